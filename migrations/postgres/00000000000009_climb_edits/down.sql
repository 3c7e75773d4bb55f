DROP INDEX climb_personal_projects;
ALTER TABLE climbs DROP COLUMN has_own_grade;
DROP TABLE climb_edits;

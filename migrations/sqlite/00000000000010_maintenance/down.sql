DROP TABLE maintenance_closings;
DROP INDEX hold_annotations_reports;
DROP INDEX hold_annotations_votes;
ALTER TABLE hold_annotations DROP COLUMN is_condition_closed;
ALTER TABLE hold_annotations DROP COLUMN condition_at;

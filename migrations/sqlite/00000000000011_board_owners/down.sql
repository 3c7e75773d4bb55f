DROP TABLE hold_numbers;
DROP INDEX gyms_by_owner;
ALTER TABLE gyms DROP COLUMN owner_id;

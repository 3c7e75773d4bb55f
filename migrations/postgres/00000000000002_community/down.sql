DROP TABLE hold_annotations;
DROP TABLE list_items;
DROP TABLE climb_lists;
DROP TABLE climb_personal;

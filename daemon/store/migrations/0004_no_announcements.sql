-- Nothing ever set it: every room of a closed site is encrypted.

ALTER TABLE rooms DROP COLUMN is_announcement;

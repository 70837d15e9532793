-- How many sessions a backup has, kept with it: counting half a million rows at each upload of one
-- would hold the writer up.

ALTER TABLE key_backups ADD COLUMN sessions BIGINT NOT NULL DEFAULT 0;
UPDATE key_backups SET sessions = (
  SELECT count(*) FROM key_backup_sessions s
  WHERE s.user_id = key_backups.user_id AND s.version = key_backups.version);

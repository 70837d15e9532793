-- Of each user the newest change alone: whoever asks from an earlier position is told of it all the
-- same, so that the table is as long as there are users.

DELETE FROM device_list_changes WHERE stream_id NOT IN (
  SELECT max(stream_id) FROM device_list_changes GROUP BY user_id);
DROP INDEX device_list_changes_by_user;
CREATE UNIQUE INDEX device_list_changes_by_user ON device_list_changes (user_id);

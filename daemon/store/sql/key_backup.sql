-- Backups of room keys, encrypted by the clients.

-- name: InsertKeyBackup
-- in: user_id text, version int, algorithm text, auth_data blob
INSERT INTO key_backups (user_id, version, algorithm, auth_data)
VALUES (:user_id, :version, :algorithm, :auth_data);

-- name: NewestKeyBackupVersion
-- in: user_id text
-- out: version int?
SELECT max(version) FROM key_backups WHERE user_id = :user_id;

-- Of all of a user's backups that are there.
-- name: KeyBackupTotals
-- in: user_id text
-- out: versions int, sessions int?
SELECT count(*), sum(sessions) FROM key_backups WHERE user_id = :user_id AND deleted = 0;

-- Rows of deleted backups, whose numbers a newer row keeps from being given again.
-- name: ForgetDeletedKeyBackups
-- in: user_id text, before int
DELETE FROM key_backups WHERE user_id = :user_id AND deleted = 1 AND version < :before;

-- name: CurrentKeyBackup
-- in: user_id text
-- out: version int, algorithm text, auth_data blob, etag int, sessions int
SELECT version, algorithm, auth_data, etag, sessions FROM key_backups
WHERE user_id = :user_id AND deleted = 0 ORDER BY version DESC LIMIT 1;

-- name: KeyBackupByVersion
-- in: user_id text, version int
-- out: version int, algorithm text, auth_data blob, etag int, sessions int
SELECT version, algorithm, auth_data, etag, sessions FROM key_backups
WHERE user_id = :user_id AND version = :version AND deleted = 0;

-- Also of one that is deleted.
-- name: KeyBackupEverMade
-- in: user_id text, version int
-- out: deleted int
SELECT deleted FROM key_backups WHERE user_id = :user_id AND version = :version;

-- name: UpdateKeyBackupAuth
-- in: user_id text, version int, auth_data blob
UPDATE key_backups SET auth_data = :auth_data WHERE user_id = :user_id AND version = :version;

-- name: MarkKeyBackupDeleted
-- in: user_id text, version int
UPDATE key_backups SET deleted = 1, sessions = 0 WHERE user_id = :user_id AND version = :version;

-- What was put in or taken out, in the same operation.
-- name: KeyBackupChanged
-- in: added int, user_id text, version int
UPDATE key_backups SET etag = etag + 1, sessions = sessions + :added
WHERE user_id = :user_id AND version = :version;

-- name: KeyBackupSession
-- in: user_id text, version int, room_id text, session_id text
-- out: first_message_index int, forwarded_count int, is_verified int, session_data blob
SELECT first_message_index, forwarded_count, is_verified, session_data FROM key_backup_sessions
WHERE user_id = :user_id AND version = :version AND room_id = :room_id
  AND session_id = :session_id;

-- name: KeyBackupSessions
-- in: user_id text, version int, any_room int, room_id text
-- out: room_id text, session_id text, first_message_index int, forwarded_count int, is_verified int, session_data blob
SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data
FROM key_backup_sessions
WHERE user_id = :user_id AND version = :version AND (:any_room = 1 OR room_id = :room_id)
ORDER BY room_id, session_id;

-- name: UpsertKeyBackupSession
-- in: user_id text, version int, room_id text, session_id text, first_message_index int, forwarded_count int, is_verified int, session_data blob
INSERT INTO key_backup_sessions (user_id, version, room_id, session_id, first_message_index,
                                 forwarded_count, is_verified, session_data)
VALUES (:user_id, :version, :room_id, :session_id, :first_message_index, :forwarded_count,
        :is_verified, :session_data)
ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE
SET first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
    is_verified = excluded.is_verified, session_data = excluded.session_data;

-- name: DeleteKeyBackupSessions
-- in: user_id text, version int, any_room int, room_id text, any_session int, session_id text
DELETE FROM key_backup_sessions
WHERE user_id = :user_id AND version = :version AND (:any_room = 1 OR room_id = :room_id)
  AND (:any_session = 1 OR session_id = :session_id);

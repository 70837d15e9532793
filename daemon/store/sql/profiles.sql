-- What an account shows of itself, and what it keeps for itself.

-- name: UpsertProfileField
-- in: user_id text, name text, value text
INSERT INTO profile_fields (user_id, name, value) VALUES (:user_id, :name, :value)
ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value;

-- name: DeleteProfileField
-- in: user_id text, name text
DELETE FROM profile_fields WHERE user_id = :user_id AND name = :name;

-- name: DeleteProfile
-- in: user_id text
DELETE FROM profile_fields WHERE user_id = :user_id;

-- name: ProfileField
-- in: user_id text, name text
-- out: value text
SELECT value FROM profile_fields WHERE user_id = :user_id AND name = :name;

-- name: ProfileOfUser
-- in: user_id text
-- out: name text, value text
SELECT name, value FROM profile_fields WHERE user_id = :user_id ORDER BY name;

-- name: UpsertAccountData
-- in: user_id text, room_id text, type text, content blob, stream_id int
INSERT INTO account_data (user_id, room_id, type, content, stream_id)
VALUES (:user_id, :room_id, :type, :content, :stream_id)
ON CONFLICT (user_id, room_id, type) DO UPDATE
SET content = excluded.content, stream_id = excluded.stream_id;

-- name: AccountDataByType
-- in: user_id text, room_id text, type text
-- out: content blob
SELECT content FROM account_data WHERE user_id = :user_id AND room_id = :room_id AND type = :type;

-- Without the entry that is to be written.
-- name: AccountDataSize
-- in: user_id text, except_room text, except_type text
-- out: entries int, bytes int?
SELECT count(*), sum(length(content)) FROM account_data
WHERE user_id = :user_id AND NOT (room_id = :except_room AND type = :except_type);

-- name: DeleteAccountDataOfUser
-- in: user_id text
DELETE FROM account_data WHERE user_id = :user_id;

-- Pushers, and what a user was notified of (service/push).

-- name: PushersOfUser
-- in: user_id text
-- out: app_id text, push_key text, device_id text, content blob
SELECT app_id, push_key, device_id, content FROM pushers
WHERE user_id = :user_id ORDER BY app_id, push_key;

-- name: CountPushers
-- in: user_id text
-- out: pushers int
SELECT count(*) FROM pushers WHERE user_id = :user_id;

-- name: SetPusher
-- in: user_id text, app_id text, push_key text, device_id text, content blob
INSERT INTO pushers (user_id, app_id, push_key, device_id, content)
VALUES (:user_id, :app_id, :push_key, :device_id, :content)
ON CONFLICT (user_id, app_id, push_key) DO UPDATE SET
  device_id = excluded.device_id, content = excluded.content;

-- name: DropPusher
-- in: user_id text, app_id text, push_key text
DELETE FROM pushers WHERE user_id = :user_id AND app_id = :app_id AND push_key = :push_key;

-- name: DropPusherOfOthers
-- in: user_id text, app_id text, push_key text
DELETE FROM pushers WHERE user_id <> :user_id AND app_id = :app_id AND push_key = :push_key;

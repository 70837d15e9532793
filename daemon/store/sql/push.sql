-- Pushers, and what a user was notified of (service/push).

-- name: PushersOfUser
-- in: user_id text
-- out: app_id text, push_key text, device_id text, content blob
SELECT app_id, push_key, device_id, content FROM pushers
WHERE user_id = :user_id ORDER BY app_id, push_key;

-- Those beside this one.
-- name: CountOtherPushers
-- in: user_id text, app_id text, push_key text
-- out: pushers int
SELECT count(*) FROM pushers
WHERE user_id = :user_id AND NOT (app_id = :app_id AND push_key = :push_key);

-- name: SetPusher
-- in: user_id text, app_id text, push_key text, device_id text, content blob
INSERT INTO pushers (user_id, app_id, push_key, device_id, content)
VALUES (:user_id, :app_id, :push_key, :device_id, :content)
ON CONFLICT (user_id, app_id, push_key) DO UPDATE SET
  device_id = excluded.device_id, content = excluded.content;

-- name: DropPusher
-- in: user_id text, app_id text, push_key text
DELETE FROM pushers WHERE user_id = :user_id AND app_id = :app_id AND push_key = :push_key;

-- name: DeletePushersOfDevice
-- in: user_id text, device_id text
DELETE FROM pushers WHERE user_id = :user_id AND device_id = :device_id;

-- name: DropPusherOfOthers
-- in: user_id text, app_id text, push_key text
-- out: user_id text
DELETE FROM pushers WHERE user_id <> :user_id AND app_id = :app_id AND push_key = :push_key
RETURNING user_id;

-- Of everybody who may be told.
-- name: PushersServed
-- out: user_id text, app_id text, push_key text, content blob
SELECT p.user_id, p.app_id, p.push_key, p.content FROM pushers p
JOIN users u ON u.user_id = p.user_id WHERE u.state = 'active';

-- name: PushersServedOfUser
-- in: user_id text
-- out: user_id text, app_id text, push_key text, content blob
SELECT p.user_id, p.app_id, p.push_key, p.content FROM pushers p
JOIN users u ON u.user_id = p.user_id WHERE p.user_id = :user_id AND u.state = 'active';

-- Who of a room may have to be told, and since when they are in it.
-- name: MembersWithPushers
-- in: room_nid int
-- out: user_id text, stream_id int
SELECT m.user_id, m.stream_id FROM memberships m
WHERE m.room_nid = :room_nid AND m.membership = 'join'
  AND EXISTS (SELECT 1 FROM pushers p WHERE p.user_id = m.user_id);

-- What was committed since, in the order in which it was.
-- name: EventsToPush
-- in: above int, up_to int, most int
-- out: stream_id int, room_nid int, room_id text, version text, event_id text, type text, redacted_by text?, pdu blob
SELECT e.stream_id, e.room_nid, r.room_id, r.version, e.event_id, e.type, e.redacted_by, e.pdu
FROM events e JOIN rooms r ON r.room_nid = e.room_nid
WHERE e.stream_id > :above AND e.stream_id <= :up_to ORDER BY e.stream_id LIMIT :most;

-- The newest event that has :most others after it.
-- name: EventWithOthersAfter
-- in: most int
-- out: stream_id int
SELECT stream_id FROM events ORDER BY stream_id DESC LIMIT 1 OFFSET :most;

-- The newest events of the rooms that a user is in, whoever sent them. Walks back over all rooms:
-- :most bounds what is read.
-- name: EventsOfJoinedRooms
-- in: user_id text, below int, most int
-- out: room_nid int, room_id text, version text, joined int, stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT e.room_nid, r.room_id, r.version,
       EXISTS (SELECT 1 FROM memberships m
               WHERE m.user_id = :user_id AND m.room_nid = e.room_nid AND m.membership = 'join'),
       e.stream_id, e.event_id, e.device_id, e.txn_id, e.redacted_by, e.replaces_state, e.pdu
FROM (SELECT * FROM events WHERE stream_id < :below ORDER BY stream_id DESC LIMIT :most) e
JOIN rooms r ON r.room_nid = e.room_nid
ORDER BY e.stream_id DESC;

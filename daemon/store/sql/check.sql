-- What a check of the whole database reads (store/check.hpp). Each statement that looks for faults gives a row a fault.

-- name: EventsToCheck
-- in: after int, most int
-- out: stream_id int, event_id text, type text, state_key text?, sender text, depth int, origin_ts int, relates_to text?, rel_type text?, redacted_by text?, pdu blob, room_nid int, room_id text?, version text?
SELECT e.stream_id, e.event_id, e.type, e.state_key, e.sender, e.depth, e.origin_ts, e.relates_to, e.rel_type,
       e.redacted_by, e.pdu, e.room_nid, r.room_id, r.version
FROM events e LEFT JOIN rooms r ON r.room_nid = e.room_nid
WHERE e.stream_id > :after ORDER BY e.stream_id LIMIT :most;

-- name: StateWithoutEvent
-- in: most int
-- out: room_nid int, type text, state_key text
SELECT c.room_nid, c.type, c.state_key
FROM current_state c LEFT JOIN events e ON e.stream_id = c.stream_id
WHERE e.event_id IS NULL OR e.event_id <> c.event_id OR e.room_nid <> c.room_nid OR e.type <> c.type
  OR e.state_key IS NULL OR e.state_key <> c.state_key
LIMIT :most;

-- name: MembersWithoutEvent
-- in: most int
-- out: user_id text, room_nid int
SELECT m.user_id, m.room_nid
FROM memberships m LEFT JOIN events e ON e.stream_id = m.stream_id
WHERE e.event_id IS NULL OR e.event_id <> m.event_id OR e.room_nid <> m.room_nid OR e.type <> 'm.room.member'
  OR e.state_key IS NULL OR e.state_key <> m.user_id OR e.sender <> m.sender
  OR m.membership NOT IN ('join', 'invite', 'leave', 'ban', 'knock')
LIMIT :most;

-- name: UsersToCheck
-- in: most int
-- out: user_id text
SELECT user_id FROM users WHERE state NOT IN ('active', 'suspended', 'locked', 'deactivated', 'importing') LIMIT :most;

-- name: DevicesWithoutUser
-- in: most int
-- out: user_id text, device_id text
SELECT d.user_id, d.device_id FROM devices d LEFT JOIN users u ON u.user_id = d.user_id
WHERE u.user_id IS NULL LIMIT :most;

-- name: TokensWithoutDevice
-- in: most int
-- out: kind text, user_id text, device_id text
SELECT 'access token', t.user_id, t.device_id
FROM access_tokens t LEFT JOIN devices d ON d.user_id = t.user_id AND d.device_id = t.device_id
WHERE d.user_id IS NULL
UNION ALL
SELECT 'refresh token', t.user_id, t.device_id
FROM refresh_tokens t LEFT JOIN devices d ON d.user_id = t.user_id AND d.device_id = t.device_id
WHERE d.user_id IS NULL
LIMIT :most;

-- The newest position in each table that has one.
-- name: NewestPositions
-- out: newest int?
SELECT max(newest) FROM (
  SELECT max(stream_id) AS newest FROM events
  UNION ALL SELECT max(stream_id) FROM to_device_messages
  UNION ALL SELECT max(stream_id) FROM device_list_changes) AS each_table;

-- What clients stored as JSON.
-- name: ContentsOfAccounts
-- out: kind text, user_id text, name text, content blob
SELECT 'account data', user_id, type, content FROM account_data
UNION ALL SELECT 'filter', user_id, CAST(filter_id AS TEXT), content FROM filters
UNION ALL SELECT 'pusher', user_id, app_id, content FROM pushers
UNION ALL SELECT 'key backup', user_id, CAST(version AS TEXT), auth_data FROM key_backups
UNION ALL SELECT 'session of a key backup', user_id, session_id, session_data FROM key_backup_sessions;

-- name: ContentsOfDevices
-- out: kind text, user_id text, name text, content blob
SELECT 'device keys', user_id, device_id, content FROM device_keys
UNION ALL SELECT 'one-time key', user_id, key_id, content FROM one_time_keys
UNION ALL SELECT 'fallback key', user_id, key_id, content FROM fallback_keys
UNION ALL SELECT 'cross-signing key', user_id, usage, content FROM cross_signing_keys
UNION ALL SELECT 'to-device message', user_id, device_id, content FROM to_device_messages;

-- What /sync reads (service/sync). Everything is bounded by the position that a reply stands for: rows
-- above it belong to the next reply.

-- The rooms of a user with the last position of what is sent about each, to fill the feed's memory.
-- name: SyncRoomsOfUser
-- in: user_id text
-- out: room_nid int, room_id text, version text, membership text, stream_id int, forgotten int, last_event int?, last_receipt int?
SELECT m.room_nid, r.room_id, r.version, m.membership, m.stream_id, m.forgotten,
       (SELECT max(e.stream_id) FROM events e WHERE e.room_nid = m.room_nid),
       (SELECT max(c.stream_id) FROM receipts c WHERE c.room_nid = m.room_nid)
FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
WHERE m.user_id = :user_id;

-- name: SyncAccountDataPosition
-- in: user_id text
-- out: position int?
SELECT max(stream_id) FROM account_data WHERE user_id = :user_id;

-- name: SyncToDevicePositions
-- in: user_id text
-- out: device_id text, first_position int, last_position int
SELECT device_id, min(stream_id), max(stream_id) FROM to_device_messages
WHERE user_id = :user_id GROUP BY device_id;

-- name: SyncEvents
-- in: room_nid int, above int, up_to int, most int
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT stream_id, event_id, device_id, txn_id, redacted_by, replaces_state, pdu FROM events
WHERE room_nid = :room_nid AND stream_id > :above AND stream_id <= :up_to
ORDER BY stream_id DESC LIMIT :most;

-- name: SyncEventAt
-- in: position int
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT stream_id, event_id, device_id, txn_id, redacted_by, replaces_state, pdu FROM events
WHERE stream_id = :position;

-- name: SyncEventById
-- in: event_id text
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT stream_id, event_id, device_id, txn_id, redacted_by, replaces_state, pdu FROM events
WHERE event_id = :event_id;

-- The state of one key at a position.
-- name: SyncStateAt
-- in: room_nid int, type text, state_key text, up_to int
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT stream_id, event_id, device_id, txn_id, redacted_by, replaces_state, pdu FROM events
WHERE room_nid = :room_nid AND type = :type AND state_key = :state_key AND stream_id <= :up_to
ORDER BY stream_id DESC LIMIT 1;

-- name: SyncStateSince
-- in: room_nid int, above int
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT e.stream_id, e.event_id, e.device_id, e.txn_id, e.redacted_by, e.replaces_state, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.stream_id > :above
ORDER BY c.stream_id;

-- Two ranges of the key, so that a room's thousand members are not walked over.
-- name: SyncStateButMembers
-- in: room_nid int
-- out: stream_id int, event_id text, device_id text?, txn_id text?, redacted_by text?, replaces_state text?, pdu blob
SELECT e.stream_id, e.event_id, e.device_id, e.txn_id, e.redacted_by, e.replaces_state, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.type < 'm.room.member'
UNION ALL
SELECT e.stream_id, e.event_id, e.device_id, e.txn_id, e.redacted_by, e.replaces_state, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.type > 'm.room.member';

-- name: SyncMemberCounts
-- in: room_nid int
-- out: membership text, members int
SELECT membership, count(*) FROM memberships WHERE room_nid = :room_nid GROUP BY membership;

-- name: SyncHeroes
-- in: room_nid int, most int
-- out: user_id text
SELECT user_id FROM memberships
WHERE room_nid = :room_nid AND membership IN ('join', 'invite')
ORDER BY stream_id LIMIT :most;

-- name: SyncFormerHeroes
-- in: room_nid int, most int
-- out: user_id text
SELECT user_id FROM memberships
WHERE room_nid = :room_nid AND membership IN ('leave', 'ban')
ORDER BY stream_id LIMIT :most;

-- name: SyncJoinedMembers
-- in: room_nid int
-- out: user_id text
SELECT user_id FROM memberships WHERE room_nid = :room_nid AND membership = 'join';

-- name: SyncDisplayName
-- in: room_nid int, user_id text
-- out: display_name text?
SELECT display_name FROM memberships WHERE room_nid = :room_nid AND user_id = :user_id;

-- name: SyncReceipts
-- in: room_nid int, above int, up_to int
-- out: stream_id int, user_id text, type text, thread_id text, event_id text, ts int
SELECT stream_id, user_id, type, thread_id, event_id, ts FROM receipts
WHERE room_nid = :room_nid AND stream_id > :above AND stream_id <= :up_to
ORDER BY stream_id;

-- name: SyncAccountData
-- in: user_id text, above int, up_to int
-- out: stream_id int, room_id text, type text, content blob
SELECT stream_id, room_id, type, content FROM account_data
WHERE user_id = :user_id AND stream_id > :above AND stream_id <= :up_to
ORDER BY stream_id;

-- name: SyncAccountDataOfRoom
-- in: user_id text, room_id text, up_to int
-- out: stream_id int, type text, content blob
SELECT stream_id, type, content FROM account_data
WHERE user_id = :user_id AND room_id = :room_id AND stream_id <= :up_to
ORDER BY stream_id;

-- name: SyncAccountDataOf
-- in: user_id text, room_id text, type text
-- out: content blob
SELECT content FROM account_data WHERE user_id = :user_id AND room_id = :room_id AND type = :type;

-- name: SyncToDevice
-- in: user_id text, device_id text, above int, up_to int, most int
-- out: stream_id int, content blob
SELECT stream_id, content FROM to_device_messages
WHERE user_id = :user_id AND device_id = :device_id AND stream_id > :above AND stream_id <= :up_to
ORDER BY stream_id LIMIT :most;

-- Messages that the device has: it came back with a token at or above them.
-- name: SyncDropToDevice
-- in: user_id text, device_id text, up_to int
DELETE FROM to_device_messages
WHERE user_id = :user_id AND device_id = :device_id AND stream_id <= :up_to;

-- name: SyncKeyCounts
-- in: user_id text, device_id text
-- out: algorithm text, keys int
SELECT algorithm, count(*) FROM one_time_keys
WHERE user_id = :user_id AND device_id = :device_id GROUP BY algorithm ORDER BY algorithm;

-- name: SyncUnusedFallbackKeys
-- in: user_id text, device_id text
-- out: algorithm text
SELECT algorithm FROM fallback_keys
WHERE user_id = :user_id AND device_id = :device_id AND used = 0 ORDER BY algorithm;

-- Without an upper bound, unlike the others: a newer change has taken the place of one in the range,
-- so that its user is named here and may be named again by the next reply.
-- name: SyncDeviceListChanges
-- in: above int
-- out: user_id text
SELECT user_id FROM device_list_changes WHERE stream_id > :above;

-- name: SyncForgotten
-- in: user_id text, room_nid int
-- out: forgotten int
SELECT forgotten FROM memberships WHERE user_id = :user_id AND room_nid = :room_nid;

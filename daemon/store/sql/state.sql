-- The state of rooms: now (current_state), and at any position of the stream (events).

-- name: SetCurrentState
-- in: room_nid int, type text, state_key text, stream_id int, event_id text
INSERT INTO current_state (room_nid, type, state_key, stream_id, event_id)
VALUES (:room_nid, :type, :state_key, :stream_id, :event_id)
ON CONFLICT (room_nid, type, state_key)
DO UPDATE SET stream_id = excluded.stream_id, event_id = excluded.event_id;

-- Members are left out: a room may have thousands, and an operation needs two of them at most.
-- name: CurrentStateButMembers
-- in: room_nid int
-- out: stream_id int, event_id text, pdu blob
SELECT e.stream_id, e.event_id, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.type <> 'm.room.member'
ORDER BY e.stream_id;

-- name: CurrentStateEvent
-- in: room_nid int, type text, state_key text
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT e.stream_id, e.event_id, e.room_nid, e.redacted_by, e.replaces_state, e.device_id, e.txn_id, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.type = :type AND c.state_key = :state_key;

-- name: CurrentState
-- in: room_nid int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT e.stream_id, e.event_id, e.room_nid, e.redacted_by, e.replaces_state, e.device_id, e.txn_id, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid
ORDER BY e.stream_id;

-- All keys of one type now: the members, the children of a space.
-- name: CurrentStateOfType
-- in: room_nid int, type text
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT e.stream_id, e.event_id, e.room_nid, e.redacted_by, e.replaces_state, e.device_id, e.txn_id, e.pdu
FROM current_state c JOIN events e ON e.stream_id = c.stream_id
WHERE c.room_nid = :room_nid AND c.type = :type
ORDER BY e.stream_id;

-- The state at a position.
-- name: StateAt
-- in: room_nid int, upto int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE stream_id IN (
  SELECT MAX(stream_id) FROM events
  WHERE room_nid = :room_nid AND state_key IS NOT NULL AND stream_id <= :upto
  GROUP BY type, state_key)
ORDER BY stream_id;

-- name: StateOfTypeAt
-- in: room_nid int, type text, upto int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE stream_id IN (
  SELECT MAX(stream_id) FROM events
  WHERE room_nid = :room_nid AND type = :type AND state_key IS NOT NULL AND stream_id <= :upto
  GROUP BY state_key)
ORDER BY stream_id;

-- name: StateEventAt
-- in: room_nid int, type text, state_key text, upto int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events
WHERE room_nid = :room_nid AND type = :type AND state_key = :state_key AND stream_id <= :upto
ORDER BY stream_id DESC LIMIT 1;

-- The state that is new after a position, up to another: one row for each key, the newest.
-- name: StateChanges
-- in: room_nid int, after int, upto int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE stream_id IN (
  SELECT MAX(stream_id) FROM events
  WHERE room_nid = :room_nid AND state_key IS NOT NULL AND stream_id > :after AND stream_id <= :upto
  GROUP BY type, state_key)
ORDER BY stream_id;

-- How one piece of state came to be what it is: a user's memberships, a room's visibilities.
-- name: StateHistory
-- in: room_nid int, type text, state_key text
-- out: stream_id int, pdu blob
SELECT stream_id, pdu FROM events
WHERE room_nid = :room_nid AND type = :type AND state_key = :state_key
ORDER BY stream_id;

-- The events of all rooms, in the order of the stream.

-- name: InsertEvent
-- in: stream_id int, event_id text, room_nid int, type text, state_key text?, sender text, depth int, origin_ts int, relates_to text?, rel_type text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
INSERT INTO events (stream_id, event_id, room_nid, type, state_key, sender, depth, origin_ts,
                    relates_to, rel_type, replaces_state, device_id, txn_id, pdu)
VALUES (:stream_id, :event_id, :room_nid, :type, :state_key, :sender, :depth, :origin_ts,
        :relates_to, :rel_type, :replaces_state, :device_id, :txn_id, :pdu);

-- name: EventById
-- in: event_id text
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE event_id = :event_id;

-- What decides about an event, without its body.
-- name: EventPlaceById
-- in: event_id text
-- out: stream_id int, room_nid int, type text, state_key text?, sender text, rel_type text?, relates_to text?, redacted_by text?
SELECT stream_id, room_nid, type, state_key, sender, rel_type, relates_to, redacted_by
FROM events WHERE event_id = :event_id;

-- name: LatestEventOfRoom
-- in: room_nid int
-- out: stream_id int, event_id text, depth int
SELECT stream_id, event_id, depth FROM events
WHERE room_nid = :room_nid ORDER BY stream_id DESC LIMIT 1;

-- Going back: at or below `upto`, above `after`.
-- name: EventsBackward
-- in: room_nid int, upto int, after int, how_many int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE room_nid = :room_nid AND stream_id <= :upto AND stream_id > :after
ORDER BY stream_id DESC LIMIT :how_many;

-- Going on: above `after`, at or below `upto`.
-- name: EventsForward
-- in: room_nid int, after int, upto int, how_many int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE room_nid = :room_nid AND stream_id > :after AND stream_id <= :upto
ORDER BY stream_id LIMIT :how_many;

-- The relation goes with the content, so that a redacted event counts nowhere.
-- name: RedactEvent
-- in: redacted_by text, pdu blob, event_id text
UPDATE events SET redacted_by = :redacted_by, pdu = :pdu, relates_to = NULL, rel_type = NULL
WHERE event_id = :event_id;

-- The first event at or after a position: a probe of the search by time.
-- name: EventTimeFrom
-- in: room_nid int, position int
-- out: stream_id int, event_id text, type text, state_key text?, origin_ts int
SELECT stream_id, event_id, type, state_key, origin_ts FROM events
WHERE room_nid = :room_nid AND stream_id >= :position ORDER BY stream_id LIMIT 1;

-- name: EventTimeUpTo
-- in: room_nid int, position int
-- out: stream_id int, event_id text, type text, state_key text?, origin_ts int
SELECT stream_id, event_id, type, state_key, origin_ts FROM events
WHERE room_nid = :room_nid AND stream_id <= :position ORDER BY stream_id DESC LIMIT 1;

-- name: RelationsBackward
-- in: relates_to text, upto int, after int, how_many int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, rel_type text?, type text, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, rel_type, type, pdu
FROM events WHERE relates_to = :relates_to AND stream_id <= :upto AND stream_id > :after
ORDER BY stream_id DESC LIMIT :how_many;

-- name: RelationsForward
-- in: relates_to text, after int, upto int, how_many int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, rel_type text?, type text, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, rel_type, type, pdu
FROM events WHERE relates_to = :relates_to AND stream_id > :after AND stream_id <= :upto
ORDER BY stream_id LIMIT :how_many;

-- How many of a room's events relate to one, by the kind of relation.
-- name: RelationKinds
-- in: relates_to text, room_nid int
-- out: rel_type text?, how_many int, latest int
SELECT rel_type, COUNT(*) AS how_many, MAX(stream_id) AS latest FROM events
WHERE relates_to = :relates_to AND room_nid = :room_nid GROUP BY rel_type;

-- name: LatestReplacement
-- in: relates_to text, room_nid int, sender text, type text
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events
WHERE relates_to = :relates_to AND room_nid = :room_nid AND rel_type = 'm.replace'
  AND sender = :sender AND type = :type AND state_key IS NULL
ORDER BY stream_id DESC LIMIT 1;

-- name: References
-- in: relates_to text, room_nid int, how_many int
-- out: stream_id int, event_id text, type text
SELECT stream_id, event_id, type FROM events
WHERE relates_to = :relates_to AND room_nid = :room_nid AND rel_type = 'm.reference'
ORDER BY stream_id LIMIT :how_many;

-- name: EventAt
-- in: position int
-- out: stream_id int, event_id text, room_nid int, redacted_by text?, replaces_state text?, device_id text?, txn_id text?, pdu blob
SELECT stream_id, event_id, room_nid, redacted_by, replaces_state, device_id, txn_id, pdu
FROM events WHERE stream_id = :position;

-- One user's reactions to one event, to find the same one again.
-- name: ReactionsOfUser
-- in: relates_to text, sender text
-- out: pdu blob
SELECT pdu FROM events
WHERE relates_to = :relates_to AND sender = :sender AND rel_type = 'm.annotation'
  AND redacted_by IS NULL AND type = 'm.reaction';

-- name: ParticipatesInThread
-- in: root text, user_id text
-- out: found int
SELECT 1 AS found FROM events
WHERE relates_to = :root AND rel_type = 'm.thread' AND sender = :user_id LIMIT 1;

-- The threads of a room by their latest reply, newest first.
-- name: ThreadsOfRoom
-- in: room_nid int, before int, how_many int
-- out: root text, latest int
SELECT relates_to AS root, MAX(stream_id) AS latest FROM events
WHERE room_nid = :room_nid AND rel_type = 'm.thread' AND relates_to IS NOT NULL
GROUP BY relates_to HAVING MAX(stream_id) < :before
ORDER BY latest DESC LIMIT :how_many;

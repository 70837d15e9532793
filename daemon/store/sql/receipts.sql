-- Read receipts and markers (service/receipts.hpp).

-- name: ReceiptTarget
-- in: event_id text
-- out: room_nid int, stream_id int, rel_type text?, relates_to text?
SELECT room_nid, stream_id, rel_type, relates_to FROM events WHERE event_id = :event_id;

-- name: ReceiptPlace
-- in: room_nid int, user_id text, type text, thread_id text
-- out: event_id text, event_stream_id int
SELECT event_id, event_stream_id FROM receipts
WHERE room_nid = :room_nid AND user_id = :user_id AND type = :type AND thread_id = :thread_id;

-- name: SetReceipt
-- in: room_nid int, user_id text, type text, thread_id text, event_id text, event_stream_id int, ts int, stream_id int
INSERT INTO receipts (room_nid, user_id, type, thread_id, event_id, event_stream_id, ts, stream_id)
VALUES (:room_nid, :user_id, :type, :thread_id, :event_id, :event_stream_id, :ts, :stream_id)
ON CONFLICT (room_nid, user_id, type, thread_id) DO UPDATE SET
  event_id = excluded.event_id, event_stream_id = excluded.event_stream_id,
  ts = excluded.ts, stream_id = excluded.stream_id;

-- How far a user has read a room: the unthreaded receipt and one for each thread.
-- name: ReceiptsOfUser
-- in: room_nid int, user_id text
-- out: thread_id text, event_stream_id int
SELECT thread_id, max(event_stream_id) FROM receipts
WHERE room_nid = :room_nid AND user_id = :user_id GROUP BY thread_id;

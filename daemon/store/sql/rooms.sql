-- Rooms, and reports about what is in them.

-- name: InsertRoom
-- in: room_id text, version text, created_ts int, is_listed int
-- out: room_nid int
INSERT INTO rooms (room_id, version, created_ts, is_listed)
VALUES (:room_id, :version, :created_ts, :is_listed)
RETURNING room_nid;

-- name: RoomById
-- in: room_id text
-- out: room_nid int, version text, is_listed int
SELECT room_nid, version, is_listed FROM rooms WHERE room_id = :room_id;

-- name: RoomByNid
-- in: room_nid int
-- out: room_id text, version text, is_listed int
SELECT room_id, version, is_listed FROM rooms WHERE room_nid = :room_nid;

-- name: SetRoomListed
-- in: is_listed int, room_nid int
UPDATE rooms SET is_listed = :is_listed WHERE room_nid = :room_nid;

-- The directory: the largest room first, then by age, so that pages are stable.
-- name: ListedRooms
-- out: room_nid int, room_id text, version text, members int
SELECT r.room_nid, r.room_id, r.version,
       (SELECT COUNT(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.membership = 'join') AS members
FROM rooms r WHERE r.is_listed = 1
ORDER BY members DESC, r.room_nid;

-- name: InsertReport
-- in: created_ts int, reporter text, room_id text?, event_id text?, user_id text?, reason text
INSERT INTO reports (created_ts, reporter, room_id, event_id, user_id, reason)
VALUES (:created_ts, :reporter, :room_id, :event_id, :user_id, :reason);

-- name: Reports
-- in: after int, how_many int
-- out: report_id int, created_ts int, reporter text, room_id text?, event_id text?, user_id text?, reason text
SELECT report_id, created_ts, reporter, room_id, event_id, user_id, reason
FROM reports WHERE report_id > :after ORDER BY report_id LIMIT :how_many;

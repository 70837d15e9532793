-- Rooms, and reports about what is in them.

-- name: InsertRoom
-- in: room_id text, version text, created_ts int, is_listed int
-- out: room_nid int
INSERT INTO rooms (room_id, version, created_ts, is_listed)
VALUES (:room_id, :version, :created_ts, :is_listed)
RETURNING room_nid;

-- name: RoomById
-- in: room_id text
-- out: room_nid int, version text, is_listed int, shut_ts int?
SELECT room_nid, version, is_listed, shut_ts FROM rooms WHERE room_id = :room_id;

-- name: RoomByNid
-- in: room_nid int
-- out: room_id text, version text, is_listed int, shut_ts int?
SELECT room_id, version, is_listed, shut_ts FROM rooms WHERE room_nid = :room_nid;

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

-- Newest first: all, those that nobody closed, those that somebody did.
-- name: Reports
-- in: before int, count int
-- out: report_id int, created_ts int, reporter text, room_id text?, event_id text?, user_id text?, reason text, closed_ts int?, closed_by text?, note text?
SELECT report_id, created_ts, reporter, room_id, event_id, user_id, reason, closed_ts, closed_by, note
FROM reports WHERE report_id < :before ORDER BY report_id DESC LIMIT :count;

-- name: OpenReports
-- in: before int, count int
-- out: report_id int, created_ts int, reporter text, room_id text?, event_id text?, user_id text?, reason text, closed_ts int?, closed_by text?, note text?
SELECT report_id, created_ts, reporter, room_id, event_id, user_id, reason, closed_ts, closed_by, note
FROM reports WHERE closed_ts IS NULL AND report_id < :before ORDER BY report_id DESC LIMIT :count;

-- name: ClosedReports
-- in: before int, count int
-- out: report_id int, created_ts int, reporter text, room_id text?, event_id text?, user_id text?, reason text, closed_ts int?, closed_by text?, note text?
SELECT report_id, created_ts, reporter, room_id, event_id, user_id, reason, closed_ts, closed_by, note
FROM reports WHERE closed_ts IS NOT NULL AND report_id < :before ORDER BY report_id DESC LIMIT :count;

-- name: ReportById
-- in: report_id int
-- out: reporter text, closed_ts int?
SELECT reporter, closed_ts FROM reports WHERE report_id = :report_id;

-- name: CloseReport
-- in: report_id int, closed_ts int, closed_by text, note text
UPDATE reports SET closed_ts = :closed_ts, closed_by = :closed_by, note = :note WHERE report_id = :report_id;

-- As administrators see them.
-- name: SiteRoomsPage
-- in: after text, count int
-- out: room_nid int, room_id text, created_ts int, classification int, shut_ts int?, last_ts int?
SELECT r.room_nid, r.room_id, r.created_ts, r.classification, r.shut_ts,
       (SELECT e.origin_ts FROM events e WHERE e.room_nid = r.room_nid ORDER BY e.stream_id DESC LIMIT 1)
FROM rooms r WHERE r.room_id > :after ORDER BY r.room_id LIMIT :count;

-- name: SiteRoomById
-- in: room_id text
-- out: room_nid int, room_id text, created_ts int, classification int, shut_ts int?, last_ts int?
SELECT r.room_nid, r.room_id, r.created_ts, r.classification, r.shut_ts,
       (SELECT e.origin_ts FROM events e WHERE e.room_nid = r.room_nid ORDER BY e.stream_id DESC LIMIT 1)
FROM rooms r WHERE r.room_id = :room_id;

-- name: MembersPage
-- in: room_nid int, after text, count int
-- out: user_id text, membership text, display_name text?, since_ts int?
SELECT m.user_id, m.membership, m.display_name, e.origin_ts
FROM memberships m LEFT JOIN events e ON e.stream_id = m.stream_id
WHERE m.room_nid = :room_nid AND m.membership = 'join' AND m.user_id > :after
ORDER BY m.user_id LIMIT :count;

-- name: ShutRoom
-- in: room_nid int, shut_ts int, shut_reason text
UPDATE rooms SET shut_ts = :shut_ts, shut_reason = :shut_reason, is_listed = 0 WHERE room_nid = :room_nid;

-- name: ShutRooms
-- in: after int, count int
-- out: room_nid int, shut_reason text?
SELECT room_nid, shut_reason FROM rooms WHERE shut_ts IS NOT NULL AND room_nid > :after ORDER BY room_nid LIMIT :count;

-- name: SomeMembers
-- in: room_nid int, membership text, count int
-- out: user_id text
SELECT user_id FROM memberships WHERE room_nid = :room_nid AND membership = :membership ORDER BY user_id LIMIT :count;

-- name: DeleteAliasesOfRoom
-- in: room_nid int
DELETE FROM room_aliases WHERE room_nid = :room_nid;

-- Names of rooms on this server (#name:gims.internal).

-- No row is changed where the alias is taken.
-- name: InsertAlias
-- in: alias text, room_nid int, creator text, created_ts int
INSERT INTO room_aliases (alias, room_nid, creator, created_ts)
VALUES (:alias, :room_nid, :creator, :created_ts)
ON CONFLICT DO NOTHING;

-- name: AliasTarget
-- in: alias text
-- out: room_nid int, room_id text, creator text
SELECT a.room_nid, r.room_id, a.creator
FROM room_aliases a JOIN rooms r ON r.room_nid = a.room_nid
WHERE a.alias = :alias;

-- name: AliasesOfRoom
-- in: room_nid int
-- out: alias text
SELECT alias FROM room_aliases WHERE room_nid = :room_nid ORDER BY alias;

-- name: DeleteAlias
-- in: alias text
DELETE FROM room_aliases WHERE alias = :alias;

-- After an upgrade the names lead to the new room.
-- name: MoveAliases
-- in: new_room int, old_room int
UPDATE room_aliases SET room_nid = :new_room WHERE room_nid = :old_room;

-- Who is in which room: the newest m.room.member event of each user and room, as columns.

-- name: SetMembership
-- in: user_id text, room_nid int, membership text, event_id text, stream_id int, sender text, display_name text?, avatar_url text?
INSERT INTO memberships (user_id, room_nid, membership, event_id, stream_id, sender, display_name,
                         avatar_url, forgotten)
VALUES (:user_id, :room_nid, :membership, :event_id, :stream_id, :sender, :display_name,
        :avatar_url, 0)
ON CONFLICT (user_id, room_nid)
DO UPDATE SET membership = excluded.membership, event_id = excluded.event_id,
              stream_id = excluded.stream_id, sender = excluded.sender,
              display_name = excluded.display_name, avatar_url = excluded.avatar_url, forgotten = 0;

-- name: MembershipOf
-- in: user_id text, room_nid int
-- out: membership text, event_id text, stream_id int, sender text, forgotten int
SELECT membership, event_id, stream_id, sender, forgotten
FROM memberships WHERE user_id = :user_id AND room_nid = :room_nid;

-- All of a user's rooms that they have not forgotten, whatever the membership.
-- name: RoomsOfUser
-- in: user_id text
-- out: room_nid int, room_id text, membership text, event_id text, stream_id int, sender text
SELECT m.room_nid, r.room_id, m.membership, m.event_id, m.stream_id, m.sender
FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
WHERE m.user_id = :user_id AND m.forgotten = 0
ORDER BY m.room_nid;

-- name: CountRoomsWithMembership
-- in: user_id text, membership text
-- out: rooms int
SELECT count(*) FROM memberships WHERE user_id = :user_id AND membership = :membership;

-- name: RoomsWithMembership
-- in: user_id text, membership text
-- out: room_nid int, room_id text, sender text
SELECT m.room_nid, r.room_id, m.sender
FROM memberships m JOIN rooms r ON r.room_nid = m.room_nid
WHERE m.user_id = :user_id AND m.membership = :membership
ORDER BY m.room_nid;

-- name: MembersOfRoom
-- in: room_nid int, membership text
-- out: user_id text, display_name text?, avatar_url text?
SELECT user_id, display_name, avatar_url FROM memberships
WHERE room_nid = :room_nid AND membership = :membership
ORDER BY user_id;

-- name: CountMembers
-- in: room_nid int, membership text
-- out: members int
SELECT COUNT(*) AS members FROM memberships
WHERE room_nid = :room_nid AND membership = :membership;

-- The users for the room's name where it has none (spec: m.heroes), oldest members first.
-- name: Heroes
-- in: room_nid int, user_id text, how_many int
-- out: user_id text, display_name text?
SELECT user_id, display_name FROM memberships
WHERE room_nid = :room_nid AND membership IN ('join', 'invite') AND user_id <> :user_id
ORDER BY stream_id LIMIT :how_many;

-- Everybody who is joined to a room that this user is joined to, the user among them.
-- name: UsersSharingARoom
-- in: user_id text
-- out: user_id text
SELECT DISTINCT theirs.user_id
FROM memberships mine JOIN memberships theirs ON theirs.room_nid = mine.room_nid
WHERE mine.user_id = :user_id AND mine.membership = 'join' AND theirs.membership = 'join'
ORDER BY theirs.user_id;

-- name: ShareARoom
-- in: one text, other text
-- out: found int
SELECT 1 AS found
FROM memberships a JOIN memberships b ON b.room_nid = a.room_nid
WHERE a.user_id = :one AND a.membership = 'join' AND b.user_id = :other AND b.membership = 'join'
LIMIT 1;

-- name: ForgetRoom
-- in: user_id text, room_nid int
UPDATE memberships SET forgotten = 1 WHERE user_id = :user_id AND room_nid = :room_nid;

-- Whether an invitation can reach somebody.
-- name: UserCanBeInvited
-- in: user_id text
-- out: found int
SELECT 1 AS found FROM users WHERE user_id = :user_id AND state NOT IN ('deactivated', 'importing');

-- name: NamesOfUser
-- in: user_id text
-- out: name text, value text
SELECT name, value FROM profile_fields
WHERE user_id = :user_id AND name IN ('displayname', 'avatar_url');

-- The member event was redacted: its names go.
-- name: ClearMemberNames
-- in: event_id text
UPDATE memberships SET display_name = NULL, avatar_url = NULL WHERE event_id = :event_id;

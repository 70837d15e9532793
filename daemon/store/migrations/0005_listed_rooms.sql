-- The directory finds its rooms without a walk over all others.

CREATE INDEX rooms_listed ON rooms (room_nid) WHERE is_listed = 1;

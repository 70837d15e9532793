-- Officers as an organisation: where each one sits, how they are found, how they first sign in, and
-- what an administrator did with their devices, rooms and reports.

-- Ministries, their departments, and the designations in these. parent_id is 0 for a ministry.
CREATE TABLE units (
  unit_id INTEGER PRIMARY KEY,
  parent_id BIGINT NOT NULL,
  level INTEGER NOT NULL,                    -- 1 ministry, 2 department, 3 designation
  ministry_id BIGINT NOT NULL,               -- that it belongs to; of a ministry its own
  name TEXT NOT NULL,
  name_hi TEXT,                              -- in Devanagari, where `name` is not
  name_key TEXT NOT NULL,                    -- folded (service/officers/folding.hpp): the order
  import_id TEXT                             -- that is making it and has not ended
);
CREATE UNIQUE INDEX units_by_parent ON units (parent_id, name_key);
CREATE INDEX units_of_import ON units (unit_id) WHERE import_id IS NOT NULL;

-- name: of the person, as administrators keep it; NULL: the account's owner chooses what others see.
ALTER TABLE users ADD COLUMN name TEXT;
ALTER TABLE users ADD COLUMN designation_id BIGINT;
ALTER TABLE users ADD COLUMN ministry_id BIGINT;
-- 1: the name that others see and the words it is found by are to be made anew.
ALTER TABLE users ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 1;
CREATE INDEX users_by_designation ON users (designation_id, user_id) WHERE designation_id IS NOT NULL;
CREATE INDEX users_by_ministry ON users (ministry_id, user_id) WHERE ministry_id IS NOT NULL;
CREATE INDEX users_by_state ON users (state, user_id);
CREATE INDEX users_stale ON users (user_id) WHERE is_stale = 1;

-- What an account is found by, folded: beginnings of words.
CREATE TABLE officer_terms (
  term TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (term, user_id)
);
CREATE INDEX officer_terms_by_user ON officer_terms (user_id, term);

CREATE TABLE enrolment_codes (
  user_id TEXT PRIMARY KEY,
  code_hash BLOB NOT NULL,                   -- keyed BLAKE2b, never the code
  created_ts BIGINT NOT NULL,
  expires_ts BIGINT NOT NULL,
  attempts_left INTEGER NOT NULL,
  used_ts BIGINT                             -- signed in with; from then on it is no way in
);

CREATE TABLE officer_imports (
  import_id TEXT PRIMARY KEY,
  digest BLOB NOT NULL,                      -- SHA-256 of the file
  state TEXT NOT NULL,                       -- running, done
  officers BIGINT NOT NULL,                  -- in the file
  made BIGINT NOT NULL,                      -- so far
  created_ts BIGINT NOT NULL,
  touched_ts BIGINT NOT NULL
);
CREATE INDEX officer_imports_by_state ON officer_imports (state, touched_ts);

ALTER TABLE devices ADD COLUMN locked_ts BIGINT;
-- What administrators ended, so that a list can show it.
CREATE TABLE ended_devices (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  state TEXT NOT NULL,                       -- revoked, wiped
  ended_ts BIGINT NOT NULL,
  display_name TEXT,
  created_ts BIGINT NOT NULL,
  last_seen_ts BIGINT,
  last_seen_ip TEXT,
  last_seen_agent TEXT,
  PRIMARY KEY (user_id, device_id)
);
CREATE INDEX ended_devices_by_age ON ended_devices (ended_ts);

-- Nobody comes into a room that was shut.
ALTER TABLE rooms ADD COLUMN shut_ts BIGINT;
ALTER TABLE rooms ADD COLUMN shut_reason TEXT;
CREATE INDEX rooms_shut ON rooms (room_nid) WHERE shut_ts IS NOT NULL;

ALTER TABLE reports ADD COLUMN closed_ts BIGINT;
ALTER TABLE reports ADD COLUMN closed_by TEXT;
ALTER TABLE reports ADD COLUMN note TEXT;
CREATE INDEX reports_open ON reports (report_id) WHERE closed_ts IS NULL;

-- Officers as an organisation: where each one sits, how they are found, how they first sign in, and
-- what administrators did with their devices, rooms and reports.

-- Ministries, the departments in them, the sections in these. parent_id is 0 for a ministry.
CREATE TABLE units (
  unit_id INTEGER PRIMARY KEY,
  parent_id BIGINT NOT NULL,
  level INTEGER NOT NULL,                    -- 1 ministry, 2 department, 3 section
  name TEXT NOT NULL,
  name_hi TEXT,                              -- in Devanagari, where `name` is not
  name_key TEXT NOT NULL                     -- folded (service/officers/folding.hpp): the order
);
CREATE UNIQUE INDEX units_by_parent ON units (parent_id, name_key);

-- The same in every unit: Under Secretary, Section Officer.
CREATE TABLE designations (
  designation_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  name_hi TEXT,
  name_key TEXT NOT NULL UNIQUE,
  rank BIGINT                                -- the lower the higher, where it is known
);

-- name: of the person, as administrators keep it; NULL: the account's owner chooses what others see.
ALTER TABLE users ADD COLUMN name TEXT;
ALTER TABLE users ADD COLUMN employee_id TEXT;
ALTER TABLE users ADD COLUMN phone TEXT;
ALTER TABLE users ADD COLUMN designation_id BIGINT;
-- The unit, and those that it is in: a department's officer has a ministry and no section.
ALTER TABLE users ADD COLUMN ministry_id BIGINT;
ALTER TABLE users ADD COLUMN department_id BIGINT;
ALTER TABLE users ADD COLUMN section_id BIGINT;
-- 1: the name that others see and the words it is found by are to be made anew.
ALTER TABLE users ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 1;
CREATE INDEX users_by_designation ON users (designation_id, user_id) WHERE designation_id IS NOT NULL;
CREATE INDEX users_by_ministry ON users (ministry_id, user_id) WHERE ministry_id IS NOT NULL;
CREATE INDEX users_by_department ON users (department_id, user_id) WHERE department_id IS NOT NULL;
CREATE INDEX users_by_section ON users (section_id, user_id) WHERE section_id IS NOT NULL;
CREATE INDEX users_by_state ON users (state, user_id);
CREATE INDEX users_stale ON users (user_id) WHERE is_stale = 1;

-- What an account is found by, folded, from the beginning of each word on.
CREATE TABLE officer_terms (
  term TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (term, user_id)
);
CREATE INDEX officer_terms_by_user ON officer_terms (user_id, term);

-- Slips of paper with a code, by which an officer signs in for the first time.
CREATE TABLE slips (
  slip_id INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL,
  code_hash BLOB NOT NULL,                   -- keyed BLAKE2b, never the code
  made_by TEXT NOT NULL,
  made_ts BIGINT NOT NULL,
  expires_ts BIGINT NOT NULL,
  attempts_left INTEGER NOT NULL,
  used_ts BIGINT,                            -- signed in with; from then on it is no way in
  ended_ts BIGINT                            -- revoked, or its place was taken
);
CREATE INDEX slips_by_user ON slips (user_id, slip_id);

-- Files of officers that were imported, so that one is not imported twice.
CREATE TABLE officer_imports (
  import_id TEXT PRIMARY KEY,
  officers BIGINT NOT NULL,                  -- that were made
  done_ts BIGINT NOT NULL
);
CREATE INDEX officer_imports_by_age ON officer_imports (done_ts);

ALTER TABLE devices ADD COLUMN locked_ts BIGINT;
CREATE INDEX devices_by_seen ON devices (COALESCE(last_seen_ts, 0), user_id, device_id);
-- What administrators ended, so that a list can show it.
CREATE TABLE ended_devices (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  state TEXT NOT NULL,                       -- revoked, wiping, wiped
  ended_ts BIGINT NOT NULL,
  display_name TEXT,
  created_ts BIGINT NOT NULL,
  last_seen_ts BIGINT,
  last_seen_ip TEXT,
  last_seen_agent TEXT,
  PRIMARY KEY (user_id, device_id)
);
CREATE INDEX ended_devices_by_seen ON ended_devices (COALESCE(last_seen_ts, 0), user_id, device_id);
CREATE INDEX ended_devices_by_age ON ended_devices (ended_ts);
-- Tokens of devices that are to be wiped: who shows one is told to forget everything, and has been.
CREATE TABLE wiped_tokens (
  token_hash BLOB PRIMARY KEY,
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL
);
CREATE INDEX wiped_tokens_by_device ON wiped_tokens (user_id, device_id);

-- Nobody comes into a room that was shut.
ALTER TABLE rooms ADD COLUMN shut_ts BIGINT;
ALTER TABLE rooms ADD COLUMN shut_reason TEXT;
CREATE INDEX rooms_shut ON rooms (room_nid) WHERE shut_ts IS NOT NULL;

ALTER TABLE reports ADD COLUMN closed_ts BIGINT;
ALTER TABLE reports ADD COLUMN closed_by TEXT;
ALTER TABLE reports ADD COLUMN note TEXT;
CREATE INDEX reports_open ON reports (report_id) WHERE closed_ts IS NULL;
CREATE INDEX reports_closed ON reports (report_id) WHERE closed_ts IS NOT NULL;

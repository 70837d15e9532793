-- Schema 1. docs/schema.md says what each table is for. Portable between SQLite and PostgreSQL but
-- for what the migration runner translates. Times are milliseconds since 1970 UTC. A stream_id is a
-- position of the one stream (store/changes.hpp). INTEGER PRIMARY KEY is a 64-bit key of the table itself:
-- no second index of it.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- One row: the last position that a committed batch took (store/sql/meta.sql).
CREATE TABLE stream_position (id INTEGER PRIMARY KEY, position BIGINT NOT NULL);
INSERT INTO stream_position (id, position) VALUES (1, 0);

-- Accounts and devices ----------------------------------------------------------------------------

CREATE TABLE users (
  user_id TEXT PRIMARY KEY,
  password_hash BLOB,                        -- Argon2id string, sealed with the data key; NULL: no password
  created_ts BIGINT NOT NULL,
  state TEXT NOT NULL DEFAULT 'active',      -- active, locked, deactivated
  clearance INTEGER NOT NULL DEFAULT 0,
  must_change_password INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE devices (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  display_name TEXT,
  created_ts BIGINT NOT NULL,
  last_seen_ts BIGINT,
  last_seen_ip TEXT,
  last_seen_agent TEXT,
  PRIMARY KEY (user_id, device_id)
);

CREATE TABLE access_tokens (
  token_hash BLOB PRIMARY KEY,               -- keyed BLAKE2b, never the token
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  created_ts BIGINT NOT NULL,
  expires_ts BIGINT,                         -- NULL: with the device
  refresh_hash BLOB                          -- the refresh token made with it
);
CREATE INDEX access_tokens_by_device ON access_tokens (user_id, device_id);

CREATE TABLE refresh_tokens (
  token_hash BLOB PRIMARY KEY,
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  created_ts BIGINT NOT NULL,
  successor_hash BLOB                        -- used: it ends when the successor is used
);
CREATE INDEX refresh_tokens_by_device ON refresh_tokens (user_id, device_id);

CREATE TABLE profile_fields (
  user_id TEXT NOT NULL,
  name TEXT NOT NULL,                        -- displayname, avatar_url, m.tz, ...
  value TEXT NOT NULL,                       -- JSON
  PRIMARY KEY (user_id, name)
);

CREATE TABLE account_data (
  user_id TEXT NOT NULL,
  room_id TEXT NOT NULL,                     -- '' for global
  type TEXT NOT NULL,
  content BLOB NOT NULL,                     -- JSON
  stream_id BIGINT NOT NULL,
  PRIMARY KEY (user_id, room_id, type)
);
CREATE INDEX account_data_by_stream ON account_data (user_id, stream_id);

CREATE TABLE filters (
  user_id TEXT NOT NULL,
  filter_id BIGINT NOT NULL,
  content BLOB NOT NULL,                     -- canonical JSON
  PRIMARY KEY (user_id, filter_id)
);

-- Rooms -------------------------------------------------------------------------------------------

CREATE TABLE rooms (
  room_nid INTEGER PRIMARY KEY,
  room_id TEXT NOT NULL UNIQUE,
  version TEXT NOT NULL,
  created_ts BIGINT NOT NULL,
  is_listed INTEGER NOT NULL DEFAULT 0,      -- in the room directory
  is_announcement INTEGER NOT NULL DEFAULT 0,-- approved to be unencrypted
  classification INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE events (
  stream_id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  room_nid BIGINT NOT NULL,
  type TEXT NOT NULL,
  state_key TEXT,                            -- NULL: not a state event
  sender TEXT NOT NULL,
  depth BIGINT NOT NULL,
  origin_ts BIGINT NOT NULL,
  relates_to TEXT,                           -- m.relates_to.event_id and rel_type
  rel_type TEXT,
  redacted_by TEXT,                          -- then pdu is the redacted form
  replaces_state TEXT,                       -- event id of the state that it took the place of
  device_id TEXT,                            -- of the sender, with txn_id: for unsigned.transaction_id
  txn_id TEXT,
  pdu BLOB NOT NULL                          -- canonical JSON as it was hashed
);
CREATE INDEX events_by_room ON events (room_nid, stream_id);
-- The state at a position is, for each type and key, the row with the highest stream_id up to it.
CREATE INDEX events_by_state ON events (room_nid, type, state_key, stream_id) WHERE state_key IS NOT NULL;
CREATE INDEX events_by_relation ON events (relates_to, stream_id) WHERE relates_to IS NOT NULL;
CREATE INDEX events_by_thread ON events (room_nid, relates_to, stream_id) WHERE rel_type = 'm.thread';

CREATE TABLE current_state (
  room_nid BIGINT NOT NULL,
  type TEXT NOT NULL,
  state_key TEXT NOT NULL,
  stream_id BIGINT NOT NULL,                 -- of the event
  event_id TEXT NOT NULL,
  PRIMARY KEY (room_nid, type, state_key)
);

CREATE TABLE memberships (
  user_id TEXT NOT NULL,
  room_nid BIGINT NOT NULL,
  membership TEXT NOT NULL,                  -- join, invite, leave, ban, knock
  event_id TEXT NOT NULL,
  stream_id BIGINT NOT NULL,                 -- since when
  sender TEXT NOT NULL,
  display_name TEXT,
  avatar_url TEXT,
  forgotten INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, room_nid)
);
CREATE INDEX memberships_by_room ON memberships (room_nid, membership, user_id);

-- A retry of a request with the same transaction id gives the first one's answer.
CREATE TABLE transactions (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  txn_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,                    -- the path up to the transaction id
  result TEXT NOT NULL,                      -- an event id, or ''
  created_ts BIGINT NOT NULL,
  PRIMARY KEY (user_id, device_id, txn_id, endpoint)
);
CREATE INDEX transactions_by_age ON transactions (created_ts);

CREATE TABLE room_aliases (
  alias TEXT PRIMARY KEY,
  room_nid BIGINT NOT NULL,
  creator TEXT NOT NULL,
  created_ts BIGINT NOT NULL
);
CREATE INDEX room_aliases_by_room ON room_aliases (room_nid);

-- What officers told the administrators about a room, an event or a user.
CREATE TABLE reports (
  report_id INTEGER PRIMARY KEY,
  created_ts BIGINT NOT NULL,
  reporter TEXT NOT NULL,
  room_id TEXT,
  event_id TEXT,
  user_id TEXT,
  reason TEXT NOT NULL
);

CREATE TABLE receipts (
  room_nid BIGINT NOT NULL,
  user_id TEXT NOT NULL,
  type TEXT NOT NULL,                        -- m.read, m.read.private
  thread_id TEXT NOT NULL,                   -- '' for unthreaded, 'main', or an event id
  event_id TEXT NOT NULL,
  event_stream_id BIGINT NOT NULL,
  ts BIGINT NOT NULL,
  stream_id BIGINT NOT NULL,
  PRIMARY KEY (room_nid, user_id, type, thread_id)
);
CREATE INDEX receipts_by_stream ON receipts (room_nid, stream_id);

-- End-to-end encryption ---------------------------------------------------------------------------

CREATE TABLE device_keys (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  content BLOB NOT NULL,                     -- the signed object as uploaded, canonical JSON
  PRIMARY KEY (user_id, device_id)
);

CREATE TABLE one_time_keys (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  content BLOB NOT NULL,
  stream_id BIGINT NOT NULL,                 -- the oldest is given out first
  PRIMARY KEY (user_id, device_id, algorithm, key_id)
);
CREATE INDEX one_time_keys_by_age ON one_time_keys (user_id, device_id, algorithm, stream_id);

-- Ids of keys given out: a client that repeats an upload must not bring one back.
CREATE TABLE claimed_one_time_keys (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  claimed_ts BIGINT NOT NULL,
  PRIMARY KEY (user_id, device_id, algorithm, key_id)
);

CREATE TABLE fallback_keys (
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  algorithm TEXT NOT NULL,
  key_id TEXT NOT NULL,
  content BLOB NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, device_id, algorithm)
);

CREATE TABLE cross_signing_keys (
  user_id TEXT NOT NULL,
  usage TEXT NOT NULL,                       -- master, self_signing, user_signing
  public_key TEXT NOT NULL,                  -- unpadded base64
  content BLOB NOT NULL,
  PRIMARY KEY (user_id, usage)
);

CREATE TABLE key_signatures (
  target_user TEXT NOT NULL,
  target_key TEXT NOT NULL,                  -- a device id, or the public key of a cross-signing key
  signer_user TEXT NOT NULL,
  signer_key TEXT NOT NULL,                  -- ed25519:...
  signature TEXT NOT NULL,
  PRIMARY KEY (target_user, target_key, signer_user, signer_key)
);

CREATE TABLE device_list_changes (
  stream_id INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL
);
CREATE INDEX device_list_changes_by_user ON device_list_changes (user_id, stream_id);

CREATE TABLE to_device_messages (
  stream_id INTEGER PRIMARY KEY,
  user_id TEXT NOT NULL,
  device_id TEXT NOT NULL,
  content BLOB NOT NULL                      -- {"sender":..,"type":..,"content":..} as it is delivered
);
CREATE INDEX to_device_by_device ON to_device_messages (user_id, device_id, stream_id);

CREATE TABLE key_backups (
  user_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  algorithm TEXT NOT NULL,
  auth_data BLOB NOT NULL,
  etag BIGINT NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, version)
);

CREATE TABLE key_backup_sessions (
  user_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  room_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  first_message_index BIGINT NOT NULL,
  forwarded_count BIGINT NOT NULL,
  is_verified INTEGER NOT NULL,
  session_data BLOB NOT NULL,
  PRIMARY KEY (user_id, version, room_id, session_id)
);

-- Media and push ----------------------------------------------------------------------------------

CREATE TABLE media (
  media_id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  content_type TEXT NOT NULL,
  file_name TEXT,
  size BIGINT NOT NULL,                      -- bytes of the plain file; -1: promised, not yet uploaded
  created_ts BIGINT NOT NULL,
  expires_ts BIGINT                          -- of a promise
);
-- The size is in it so that a user's sum needs no look at the rows.
CREATE INDEX media_by_owner ON media (owner, size);
CREATE INDEX media_promised ON media (expires_ts) WHERE expires_ts IS NOT NULL;

CREATE TABLE pushers (
  user_id TEXT NOT NULL,
  app_id TEXT NOT NULL,
  push_key TEXT NOT NULL,
  device_id TEXT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (user_id, app_id, push_key)
);

-- Administration ----------------------------------------------------------------------------------

CREATE TABLE audit_log (
  sequence INTEGER PRIMARY KEY,              -- 1, 2, 3, ... without a gap
  ts BIGINT NOT NULL,
  actor TEXT NOT NULL,
  origin TEXT NOT NULL,                      -- 'gimsctl uid 0', an address
  act TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,                      -- JSON, canonical
  hash BLOB NOT NULL                         -- over the entry and the hash before it
);

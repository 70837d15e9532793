-- What administrators sign in to the web console with. Who they are, and their roles, is in gims-keyd; sessions are
-- in memory alone (service/console/sessions.hpp).

CREATE TABLE administrators (
  name TEXT PRIMARY KEY,                     -- as gims-keyd has it
  created_ts BIGINT NOT NULL,
  locked INTEGER NOT NULL DEFAULT 0,
  passphrase_hash BLOB,                      -- Argon2id string, sealed with the data key; NULL: none yet
  invitation_hash BLOB,                      -- keyed hash of the one-time code; NULL: none waits
  invited_until_ts BIGINT NOT NULL,          -- as long a first factor may be registered
  totp_secret BLOB,                          -- sealed with a key of its own; NULL: none
  totp_step BIGINT NOT NULL DEFAULT 0,       -- of the code that was taken last: none is taken twice
  language TEXT NOT NULL DEFAULT 'en',
  last_sign_in_ts BIGINT
);

-- WebAuthn credentials. No two administrators share one.
CREATE TABLE administrator_keys (
  credential_id BLOB PRIMARY KEY,
  administrator TEXT NOT NULL,
  label TEXT NOT NULL,
  kind INTEGER NOT NULL,                     -- hsm/approval/administrator.hpp: 1 ES256, 2 EdDSA
  public_key BLOB NOT NULL,
  sign_count BIGINT NOT NULL,
  created_ts BIGINT NOT NULL,
  last_used_ts BIGINT
);
CREATE INDEX administrator_keys_by_administrator ON administrator_keys (administrator);

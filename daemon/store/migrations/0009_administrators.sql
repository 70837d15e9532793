-- Who may use the web console, and with what they sign in. Sessions are in memory alone (service/console/sessions.hpp).

CREATE TABLE administrators (
  name TEXT PRIMARY KEY,                     -- as it is typed to sign in; never given twice
  display_name TEXT NOT NULL,
  role TEXT NOT NULL,                        -- administrator, security_officer, auditor
  state TEXT NOT NULL DEFAULT 'active',      -- active, locked, removed
  passphrase_hash BLOB,                      -- Argon2id string, sealed with a key made of the data key
  created_ts BIGINT NOT NULL,
  last_sign_in_ts BIGINT,
  totp_secret BLOB,                          -- sealed likewise; NULL: none
  totp_confirmed INTEGER NOT NULL DEFAULT 0, -- 0: shown once, no code of it was seen yet
  totp_step BIGINT NOT NULL DEFAULT 0,       -- of the code that was taken last: none is taken twice
  enrolment_hash BLOB,                       -- keyed hash of the code by which a first factor is added; NULL: none waits
  enrolment_until_ts BIGINT NOT NULL DEFAULT 0
);

-- WebAuthn credentials. No two administrators share one.
CREATE TABLE administrator_keys (
  credential_id BLOB PRIMARY KEY,
  administrator TEXT NOT NULL,
  label TEXT NOT NULL,
  algorithm INTEGER NOT NULL,                -- COSE: -7 ES256, -8 EdDSA
  public_key BLOB NOT NULL,
  sign_count BIGINT NOT NULL,
  created_ts BIGINT NOT NULL,
  last_used_ts BIGINT
);
CREATE INDEX administrator_keys_by_administrator ON administrator_keys (administrator);

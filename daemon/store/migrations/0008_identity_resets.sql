-- Accounts that two administrators let have another encrypted identity, once and until a time.

CREATE TABLE identity_resets (user_id TEXT PRIMARY KEY, until_ts BIGINT NOT NULL);

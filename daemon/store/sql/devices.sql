-- Devices and the tokens they act with. Only keyed hashes of tokens are stored.

-- name: InsertDevice
-- in: user_id text, device_id text, display_name text?, created_ts int
INSERT INTO devices (user_id, device_id, display_name, created_ts)
VALUES (:user_id, :device_id, :display_name, :created_ts);

-- name: DeviceById
-- in: user_id text, device_id text
-- out: display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?
SELECT display_name, created_ts, last_seen_ts, last_seen_ip, last_seen_agent
FROM devices WHERE user_id = :user_id AND device_id = :device_id;

-- name: DevicesOfUser
-- in: user_id text
-- out: device_id text, display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?
SELECT device_id, display_name, created_ts, last_seen_ts, last_seen_ip, last_seen_agent
FROM devices WHERE user_id = :user_id ORDER BY device_id;

-- name: CountDevices
-- in: user_id text
-- out: devices int
SELECT count(*) FROM devices WHERE user_id = :user_id;

-- name: RenameDevice
-- in: user_id text, device_id text, display_name text?
UPDATE devices SET display_name = :display_name WHERE user_id = :user_id AND device_id = :device_id;

-- name: DeleteDevice
-- in: user_id text, device_id text
DELETE FROM devices WHERE user_id = :user_id AND device_id = :device_id;

-- name: TouchDevice
-- in: user_id text, device_id text, last_seen_ts int, last_seen_ip text, last_seen_agent text?
UPDATE devices SET last_seen_ts = :last_seen_ts, last_seen_ip = :last_seen_ip,
  last_seen_agent = :last_seen_agent
WHERE user_id = :user_id AND device_id = :device_id;

-- name: InsertAccessToken
-- in: token_hash blob, user_id text, device_id text, created_ts int, expires_ts int?, refresh_hash blob?
INSERT INTO access_tokens (token_hash, user_id, device_id, created_ts, expires_ts, refresh_hash)
VALUES (:token_hash, :user_id, :device_id, :created_ts, :expires_ts, :refresh_hash);

-- name: AccessTokenByHash
-- in: token_hash blob
-- out: user_id text, device_id text, expires_ts int?, refresh_hash blob?, state text, must_change_password int, last_seen_ts int?
SELECT t.user_id, t.device_id, t.expires_ts, t.refresh_hash, u.state, u.must_change_password,
       d.last_seen_ts
FROM access_tokens t
JOIN users u ON u.user_id = t.user_id
JOIN devices d ON d.user_id = t.user_id AND d.device_id = t.device_id
WHERE t.token_hash = :token_hash;

-- name: DeleteAccessTokensOfDevice
-- in: user_id text, device_id text
DELETE FROM access_tokens WHERE user_id = :user_id AND device_id = :device_id;

-- name: DeleteAccessTokensOfRefresh
-- in: refresh_hash blob
DELETE FROM access_tokens WHERE refresh_hash = :refresh_hash;

-- name: InsertRefreshToken
-- in: token_hash blob, user_id text, device_id text, created_ts int
INSERT INTO refresh_tokens (token_hash, user_id, device_id, created_ts)
VALUES (:token_hash, :user_id, :device_id, :created_ts);

-- name: RefreshTokenByHash
-- in: token_hash blob
-- out: user_id text, device_id text, successor_hash blob?, state text
SELECT r.user_id, r.device_id, r.successor_hash, u.state
FROM refresh_tokens r JOIN users u ON u.user_id = r.user_id
WHERE r.token_hash = :token_hash;

-- name: PredecessorOfRefreshToken
-- in: user_id text, device_id text, token_hash blob
-- out: predecessor_hash blob
SELECT token_hash FROM refresh_tokens
WHERE user_id = :user_id AND device_id = :device_id AND successor_hash = :token_hash;

-- name: SetRefreshSuccessor
-- in: token_hash blob, successor_hash blob
UPDATE refresh_tokens SET successor_hash = :successor_hash WHERE token_hash = :token_hash;

-- name: DeleteRefreshToken
-- in: token_hash blob
DELETE FROM refresh_tokens WHERE token_hash = :token_hash;

-- name: DeleteRefreshTokensOfDevice
-- in: user_id text, device_id text
DELETE FROM refresh_tokens WHERE user_id = :user_id AND device_id = :device_id;

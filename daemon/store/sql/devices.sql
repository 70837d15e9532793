-- Devices and the tokens they act with. Only keyed hashes of tokens are stored.

-- name: InsertDevice
-- in: user_id text, device_id text, display_name text?, created_ts int
INSERT INTO devices (user_id, device_id, display_name, created_ts)
VALUES (:user_id, :device_id, :display_name, :created_ts);

-- name: DeviceById
-- in: user_id text, device_id text
-- out: display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?, locked_ts int?
SELECT display_name, created_ts, last_seen_ts, last_seen_ip, last_seen_agent, locked_ts
FROM devices WHERE user_id = :user_id AND device_id = :device_id;

-- name: DevicesOfUser
-- in: user_id text
-- out: device_id text, display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?, locked_ts int?
SELECT device_id, display_name, created_ts, last_seen_ts, last_seen_ip, last_seen_agent, locked_ts
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
-- out: user_id text, device_id text, expires_ts int?, refresh_hash blob?, state text, must_change_password int, last_seen_ts int?, locked_ts int?
SELECT t.user_id, t.device_id, t.expires_ts, t.refresh_hash, u.state, u.must_change_password,
       d.last_seen_ts, d.locked_ts
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
-- out: user_id text, device_id text, successor_hash blob?, state text, locked_ts int?
SELECT r.user_id, r.device_id, r.successor_hash, u.state, d.locked_ts
FROM refresh_tokens r JOIN users u ON u.user_id = r.user_id
JOIN devices d ON d.user_id = r.user_id AND d.device_id = r.device_id
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

-- Administrators' own -------------------------------------------------------------------------------

-- Of all accounts, those seen last first. One is approved when its owner's self-signing key signed it
-- (service/encryption/visible_keys.hpp says the same of one account's).
-- name: DevicesPage
-- in: before_seen int, before_user text, before_device text, state text?, prefix text?, below text?, unit_id int?, count int
-- out: user_id text, device_id text, display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?, state text
SELECT * FROM (
  SELECT d.user_id, d.device_id, d.display_name, d.created_ts, d.last_seen_ts, d.last_seen_ip, d.last_seen_agent,
         CASE WHEN d.locked_ts IS NOT NULL THEN 'locked'
              WHEN EXISTS (SELECT 1 FROM cross_signing_keys c JOIN key_signatures s
                           ON s.target_user = c.user_id AND s.target_key = d.device_id AND s.signer_user = c.user_id
                              AND s.signer_key = 'ed25519:' || c.public_key
                           WHERE c.user_id = d.user_id AND c.usage = 'self_signing') THEN 'approved'
              ELSE 'pending' END AS state
  FROM devices d
  WHERE COALESCE(d.last_seen_ts, 0) <= :before_seen
    AND (COALESCE(d.last_seen_ts, 0), d.user_id, d.device_id) < (:before_seen, :before_user, :before_device)) x
WHERE (:state IS NULL OR x.state = :state)
  AND (:prefix IS NULL OR EXISTS (SELECT 1 FROM officer_terms t
                                  WHERE t.user_id = x.user_id AND t.term >= :prefix AND t.term < :below))
  AND (:unit_id IS NULL OR EXISTS (SELECT 1 FROM users u WHERE u.user_id = x.user_id
                                   AND (u.ministry_id = :unit_id OR u.department_id = :unit_id OR u.section_id = :unit_id)))
ORDER BY COALESCE(x.last_seen_ts, 0) DESC, x.user_id DESC, x.device_id DESC LIMIT :count;

-- name: EndedDevicesPage
-- in: before_seen int, before_user text, before_device text, state text?, prefix text?, below text?, unit_id int?, count int
-- out: user_id text, device_id text, state text, display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?
SELECT x.user_id, x.device_id, x.state, x.display_name, x.created_ts, x.last_seen_ts, x.last_seen_ip, x.last_seen_agent
FROM ended_devices x
WHERE COALESCE(x.last_seen_ts, 0) <= :before_seen
  AND (COALESCE(x.last_seen_ts, 0), x.user_id, x.device_id) < (:before_seen, :before_user, :before_device)
  AND (:state IS NULL OR x.state = :state)
  AND (:prefix IS NULL OR EXISTS (SELECT 1 FROM officer_terms t
                                  WHERE t.user_id = x.user_id AND t.term >= :prefix AND t.term < :below))
  AND (:unit_id IS NULL OR EXISTS (SELECT 1 FROM users u WHERE u.user_id = x.user_id
                                   AND (u.ministry_id = :unit_id OR u.department_id = :unit_id OR u.section_id = :unit_id)))
ORDER BY COALESCE(x.last_seen_ts, 0) DESC, x.user_id DESC, x.device_id DESC LIMIT :count;

-- name: SignedDevicesOfUser
-- in: user_id text
-- out: device_id text
SELECT s.target_key FROM cross_signing_keys c JOIN key_signatures s
  ON s.target_user = c.user_id AND s.signer_user = c.user_id AND s.signer_key = 'ed25519:' || c.public_key
WHERE c.user_id = :user_id AND c.usage = 'self_signing';

-- name: LockDevice
-- in: user_id text, device_id text, locked_ts int?
UPDATE devices SET locked_ts = :locked_ts WHERE user_id = :user_id AND device_id = :device_id;

-- name: UpsertEndedDevice
-- in: user_id text, device_id text, state text, ended_ts int, display_name text?, created_ts int, last_seen_ts int?, last_seen_ip text?, last_seen_agent text?
INSERT INTO ended_devices (user_id, device_id, state, ended_ts, display_name, created_ts, last_seen_ts, last_seen_ip,
                           last_seen_agent)
VALUES (:user_id, :device_id, :state, :ended_ts, :display_name, :created_ts, :last_seen_ts, :last_seen_ip,
        :last_seen_agent)
ON CONFLICT (user_id, device_id) DO UPDATE
SET state = excluded.state, ended_ts = excluded.ended_ts, display_name = excluded.display_name,
    created_ts = excluded.created_ts, last_seen_ts = excluded.last_seen_ts, last_seen_ip = excluded.last_seen_ip,
    last_seen_agent = excluded.last_seen_agent;

-- name: DeleteEndedDevice
-- in: user_id text, device_id text
DELETE FROM ended_devices WHERE user_id = :user_id AND device_id = :device_id;

-- name: RememberAccessTokens
-- in: user_id text, device_id text
INSERT INTO wiped_tokens (token_hash, user_id, device_id)
SELECT token_hash, user_id, device_id FROM access_tokens WHERE user_id = :user_id AND device_id = :device_id;

-- name: RememberRefreshTokens
-- in: user_id text, device_id text
INSERT INTO wiped_tokens (token_hash, user_id, device_id)
SELECT token_hash, user_id, device_id FROM refresh_tokens WHERE user_id = :user_id AND device_id = :device_id;

-- name: WipedToken
-- in: token_hash blob
-- out: user_id text, device_id text
SELECT user_id, device_id FROM wiped_tokens WHERE token_hash = :token_hash;

-- name: ForgetWipedTokens
-- in: user_id text, device_id text
DELETE FROM wiped_tokens WHERE user_id = :user_id AND device_id = :device_id;

-- name: DeviceIsWiped
-- in: user_id text, device_id text
UPDATE ended_devices SET state = 'wiped' WHERE user_id = :user_id AND device_id = :device_id AND state = 'wiping';

-- name: OldestEndedDevices
-- in: before_ts int, most int
-- out: user_id text, device_id text
SELECT user_id, device_id FROM ended_devices WHERE ended_ts < :before_ts ORDER BY ended_ts LIMIT :most;

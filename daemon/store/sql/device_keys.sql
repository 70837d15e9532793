-- Keys of devices and of cross-signing.

-- name: UpsertDeviceKeys
-- in: user_id text, device_id text, content blob
INSERT INTO device_keys (user_id, device_id, content) VALUES (:user_id, :device_id, :content)
ON CONFLICT (user_id, device_id) DO UPDATE SET content = excluded.content;

-- name: DeviceKeysByDevice
-- in: user_id text, device_id text
-- out: content blob
SELECT content FROM device_keys WHERE user_id = :user_id AND device_id = :device_id;

-- name: DeviceKeysOfUser
-- in: user_id text
-- out: device_id text, content blob, display_name text?, locked_ts int?
SELECT k.device_id, k.content, d.display_name, d.locked_ts
FROM device_keys k LEFT JOIN devices d ON d.user_id = k.user_id AND d.device_id = k.device_id
WHERE k.user_id = :user_id ORDER BY k.device_id;

-- name: DeleteDeviceKeys
-- in: user_id text, device_id text
DELETE FROM device_keys WHERE user_id = :user_id AND device_id = :device_id;

-- name: OneTimeKeyById
-- in: user_id text, device_id text, algorithm text, key_id text
-- out: content blob
SELECT content FROM one_time_keys
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm AND key_id = :key_id;

-- name: InsertOneTimeKey
-- in: user_id text, device_id text, algorithm text, key_id text, content blob, stream_id int
INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, content, stream_id)
VALUES (:user_id, :device_id, :algorithm, :key_id, :content, :stream_id);

-- name: OldestOneTimeKey
-- in: user_id text, device_id text, algorithm text
-- out: key_id text, content blob
SELECT key_id, content FROM one_time_keys
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm
ORDER BY stream_id LIMIT 1;

-- name: DeleteOneTimeKey
-- in: user_id text, device_id text, algorithm text, key_id text
DELETE FROM one_time_keys
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm AND key_id = :key_id;

-- name: DeleteOneTimeKeysOfDevice
-- in: user_id text, device_id text
DELETE FROM one_time_keys WHERE user_id = :user_id AND device_id = :device_id;

-- name: CountOneTimeKeys
-- in: user_id text, device_id text
-- out: algorithm text, keys int
SELECT algorithm, count(*) FROM one_time_keys
WHERE user_id = :user_id AND device_id = :device_id GROUP BY algorithm ORDER BY algorithm;

-- name: InsertClaimedOneTimeKey
-- in: user_id text, device_id text, algorithm text, key_id text, claimed_ts int
INSERT INTO claimed_one_time_keys (user_id, device_id, algorithm, key_id, claimed_ts)
VALUES (:user_id, :device_id, :algorithm, :key_id, :claimed_ts);

-- name: ClaimedOneTimeKey
-- in: user_id text, device_id text, algorithm text, key_id text
-- out: claimed_ts int
SELECT claimed_ts FROM claimed_one_time_keys
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm AND key_id = :key_id;

-- name: ForgetClaimedOneTimeKeys
-- in: user_id text, device_id text, before_ts int
DELETE FROM claimed_one_time_keys
WHERE user_id = :user_id AND device_id = :device_id AND claimed_ts < :before_ts;

-- name: DeleteClaimedOneTimeKeysOfDevice
-- in: user_id text, device_id text
DELETE FROM claimed_one_time_keys WHERE user_id = :user_id AND device_id = :device_id;

-- name: UpsertFallbackKey
-- in: user_id text, device_id text, algorithm text, key_id text, content blob
INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, content, used)
VALUES (:user_id, :device_id, :algorithm, :key_id, :content, 0)
ON CONFLICT (user_id, device_id, algorithm) DO UPDATE
SET key_id = excluded.key_id, content = excluded.content, used = 0;

-- name: FallbackKey
-- in: user_id text, device_id text, algorithm text
-- out: key_id text, content blob, used int
SELECT key_id, content, used FROM fallback_keys
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm;

-- name: CountFallbackKeys
-- in: user_id text, device_id text
-- out: keys int
SELECT count(*) FROM fallback_keys WHERE user_id = :user_id AND device_id = :device_id;

-- name: MarkFallbackKeyUsed
-- in: user_id text, device_id text, algorithm text
UPDATE fallback_keys SET used = 1
WHERE user_id = :user_id AND device_id = :device_id AND algorithm = :algorithm;

-- name: DeleteFallbackKeysOfDevice
-- in: user_id text, device_id text
DELETE FROM fallback_keys WHERE user_id = :user_id AND device_id = :device_id;

-- In the place of the user's change before.
-- name: UpsertDeviceListChange
-- in: stream_id int, user_id text
INSERT INTO device_list_changes (stream_id, user_id) VALUES (:stream_id, :user_id)
ON CONFLICT (user_id) DO UPDATE SET stream_id = excluded.stream_id;

-- name: UpsertCrossSigningKey
-- in: user_id text, usage text, public_key text, content blob
INSERT INTO cross_signing_keys (user_id, usage, public_key, content)
VALUES (:user_id, :usage, :public_key, :content)
ON CONFLICT (user_id, usage) DO UPDATE
SET public_key = excluded.public_key, content = excluded.content;

-- name: DeleteCrossSigningKey
-- in: user_id text, usage text
DELETE FROM cross_signing_keys WHERE user_id = :user_id AND usage = :usage;

-- name: CrossSigningKeysOfUser
-- in: user_id text
-- out: usage text, public_key text, content blob
SELECT usage, public_key, content FROM cross_signing_keys WHERE user_id = :user_id ORDER BY usage;

-- name: UpsertKeySignature
-- in: target_user text, target_key text, signer_user text, signer_key text, signature text
INSERT INTO key_signatures (target_user, target_key, signer_user, signer_key, signature)
VALUES (:target_user, :target_key, :signer_user, :signer_key, :signature)
ON CONFLICT (target_user, target_key, signer_user, signer_key) DO UPDATE
SET signature = excluded.signature;

-- Of the signatures on a user's keys those that somebody may see: the owner's and one's own.
-- name: VisibleSignatures
-- in: target_user text, viewer text
-- out: target_key text, signer_user text, signer_key text, signature text
SELECT target_key, signer_user, signer_key, signature FROM key_signatures
WHERE target_user = :target_user AND (signer_user = :target_user OR signer_user = :viewer)
ORDER BY target_key, signer_user, signer_key;

-- name: DeleteSignaturesOnDevice
-- in: target_user text, target_key text
DELETE FROM key_signatures WHERE target_user = :target_user AND target_key = :target_key;

-- name: AllowIdentityReset
-- in: user_id text, until_ts int
INSERT INTO identity_resets (user_id, until_ts) VALUES (:user_id, :until_ts)
ON CONFLICT (user_id) DO UPDATE SET until_ts = excluded.until_ts;

-- name: IdentityResetUntil
-- in: user_id text
-- out: until_ts int
SELECT until_ts FROM identity_resets WHERE user_id = :user_id;

-- name: DeleteIdentityReset
-- in: user_id text
DELETE FROM identity_resets WHERE user_id = :user_id;

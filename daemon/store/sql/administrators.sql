-- What administrators sign in to the web console with.

-- An invitation takes back all that the person had but the lock.
-- name: InviteAdministrator
-- in: name text, created_ts int, invitation_hash blob, invited_until_ts int
INSERT INTO administrators (name, created_ts, invitation_hash, invited_until_ts)
VALUES (:name, :created_ts, :invitation_hash, :invited_until_ts)
ON CONFLICT (name) DO UPDATE SET passphrase_hash = NULL, invitation_hash = excluded.invitation_hash,
  invited_until_ts = excluded.invited_until_ts, totp_secret = NULL, totp_step = 0;

-- name: AdministratorByName
-- in: name text
-- out: locked int, passphrase_hash blob?, invitation_hash blob?, invited_until_ts int, totp_secret blob?, totp_step int, language text, last_sign_in_ts int?, security_keys int
SELECT locked, passphrase_hash, invitation_hash, invited_until_ts, totp_secret, totp_step, language,
       last_sign_in_ts,
       (SELECT count(*) FROM administrator_keys k WHERE k.administrator = a.name)
FROM administrators a WHERE name = :name;

-- Whoever can sign in: with a passphrase and a second factor, and not locked.
-- name: CountSigningAdministrators
-- in: but text
-- out: others int
SELECT count(*) FROM administrators a
WHERE a.name <> :but AND a.locked = 0 AND a.passphrase_hash IS NOT NULL
  AND (a.totp_secret IS NOT NULL
       OR EXISTS (SELECT 1 FROM administrator_keys k WHERE k.administrator = a.name));

-- name: SetAdministratorLocked
-- in: name text, locked int
UPDATE administrators SET locked = :locked WHERE name = :name;

-- name: SetAdministratorPassphrase
-- in: name text, passphrase_hash blob?
UPDATE administrators SET passphrase_hash = :passphrase_hash, invitation_hash = NULL WHERE name = :name;

-- name: SetAdministratorTotp
-- in: name text, totp_secret blob?, totp_step int
UPDATE administrators SET totp_secret = :totp_secret, totp_step = :totp_step WHERE name = :name;

-- name: SetAdministratorLanguage
-- in: name text, language text
UPDATE administrators SET language = :language WHERE name = :name;

-- name: NoteAdministratorSignIn
-- in: name text, last_sign_in_ts int
UPDATE administrators SET last_sign_in_ts = :last_sign_in_ts WHERE name = :name;

-- name: InsertAdministratorKey
-- in: credential_id blob, administrator text, label text, kind int, public_key blob, sign_count int, created_ts int
INSERT INTO administrator_keys (credential_id, administrator, label, kind, public_key, sign_count, created_ts)
VALUES (:credential_id, :administrator, :label, :kind, :public_key, :sign_count, :created_ts);

-- name: AdministratorKeyById
-- in: credential_id blob
-- out: administrator text, label text, kind int, public_key blob, sign_count int
SELECT administrator, label, kind, public_key, sign_count
FROM administrator_keys WHERE credential_id = :credential_id;

-- name: AdministratorKeys
-- in: administrator text
-- out: credential_id blob, label text, created_ts int, last_used_ts int?
SELECT credential_id, label, created_ts, last_used_ts
FROM administrator_keys WHERE administrator = :administrator ORDER BY created_ts, credential_id;

-- name: UseAdministratorKey
-- in: credential_id blob, sign_count int, last_used_ts int
UPDATE administrator_keys SET sign_count = :sign_count, last_used_ts = :last_used_ts
WHERE credential_id = :credential_id;

-- name: DeleteAdministratorKey
-- in: credential_id blob
DELETE FROM administrator_keys WHERE credential_id = :credential_id;

-- name: DeleteAdministratorKeys
-- in: administrator text
DELETE FROM administrator_keys WHERE administrator = :administrator;

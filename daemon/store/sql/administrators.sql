-- Who may use the web console, and what they sign in with.

-- name: InsertAdministrator
-- in: name text, display_name text, role text, passphrase_hash blob?, created_ts int
INSERT INTO administrators (name, display_name, role, passphrase_hash, created_ts)
VALUES (:name, :display_name, :role, :passphrase_hash, :created_ts);

-- name: AdministratorByName
-- in: name text
-- out: display_name text, role text, state text, passphrase_hash blob?, created_ts int, last_sign_in_ts int?, totp_secret blob?, totp_confirmed int, totp_step int, enrolment_hash blob?, enrolment_until_ts int
SELECT display_name, role, state, passphrase_hash, created_ts, last_sign_in_ts, totp_secret, totp_confirmed,
       totp_step, enrolment_hash, enrolment_until_ts
FROM administrators WHERE name = :name;

-- name: AdministratorsAll
-- out: name text, display_name text, role text, state text, created_ts int, last_sign_in_ts int?, totp int, security_keys int, enrolment int
SELECT a.name, a.display_name, a.role, a.state, a.created_ts, a.last_sign_in_ts, a.totp_confirmed,
       (SELECT count(*) FROM administrator_keys k WHERE k.administrator = a.name),
       (a.enrolment_hash IS NOT NULL)
FROM administrators a ORDER BY a.name;

-- Those who can act for good: active ones, by role.
-- name: CountAdministrators
-- in: role text
-- out: all_of_them int, active int, active_of_role int
SELECT count(*), count(*) FILTER (WHERE state = 'active'),
       count(*) FILTER (WHERE state = 'active' AND role = :role)
FROM administrators;

-- name: SetAdministratorRole
-- in: name text, role text
UPDATE administrators SET role = :role WHERE name = :name;

-- name: SetAdministratorName
-- in: name text, display_name text
UPDATE administrators SET display_name = :display_name WHERE name = :name;

-- name: SetAdministratorState
-- in: name text, state text
UPDATE administrators SET state = :state WHERE name = :name;

-- name: SetAdministratorPassphrase
-- in: name text, passphrase_hash blob?
UPDATE administrators SET passphrase_hash = :passphrase_hash WHERE name = :name;

-- name: SetAdministratorTotp
-- in: name text, totp_secret blob?, totp_confirmed int, totp_step int
UPDATE administrators SET totp_secret = :totp_secret, totp_confirmed = :totp_confirmed,
  totp_step = :totp_step
WHERE name = :name;

-- name: SetAdministratorEnrolment
-- in: name text, enrolment_hash blob?, enrolment_until_ts int
UPDATE administrators SET enrolment_hash = :enrolment_hash, enrolment_until_ts = :enrolment_until_ts
WHERE name = :name;

-- name: NoteAdministratorSignIn
-- in: name text, last_sign_in_ts int
UPDATE administrators SET last_sign_in_ts = :last_sign_in_ts WHERE name = :name;

-- name: InsertAdministratorKey
-- in: credential_id blob, administrator text, label text, algorithm int, public_key blob, sign_count int, created_ts int
INSERT INTO administrator_keys (credential_id, administrator, label, algorithm, public_key, sign_count,
  created_ts)
VALUES (:credential_id, :administrator, :label, :algorithm, :public_key, :sign_count, :created_ts);

-- name: AdministratorKeyById
-- in: credential_id blob
-- out: administrator text, label text, algorithm int, public_key blob, sign_count int
SELECT administrator, label, algorithm, public_key, sign_count
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

-- Accounts as administrators see them: lists of them, and how they first sign in.

-- name: SetOfficer
-- in: user_id text, name text?, designation_id int?, ministry_id int?, clearance int
UPDATE users SET name = :name, designation_id = :designation_id, ministry_id = :ministry_id, clearance = :clearance
WHERE user_id = :user_id;

-- name: OfficerById
-- in: user_id text
-- out: created_ts int, state text, clearance int, must_change_password int, has_password int, name text?, display_name text?, designation_id int?, code_expires_ts int?, code_attempts_left int?, code_used_ts int?, devices int, last_seen_ts int?
SELECT u.created_ts, u.state, u.clearance, u.must_change_password, u.password_hash IS NOT NULL, u.name, p.value,
       u.designation_id, c.expires_ts, c.attempts_left, c.used_ts,
       (SELECT count(*) FROM devices d WHERE d.user_id = u.user_id),
       (SELECT max(d.last_seen_ts) FROM devices d WHERE d.user_id = u.user_id)
FROM users u
LEFT JOIN profile_fields p ON p.user_id = u.user_id AND p.name = 'displayname'
LEFT JOIN enrolment_codes c ON c.user_id = u.user_id
WHERE u.user_id = :user_id AND u.state <> 'importing';

-- The list, three ways: of all, of a ministry, of those that a word finds. A filter that is NULL lets
-- everybody pass. Each walks an index from where the page before it ended.
-- name: OfficersPage
-- in: after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- name: OfficersOfMinistryPage
-- in: ministry_id int, after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.ministry_id = :ministry_id AND u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- name: OfficersOfDesignationPage
-- in: designation_id int, after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.designation_id = :designation_id AND u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- An account that several of its terms find comes once, with the first of them. `below` is the first
-- text that does not begin with what is looked for.
-- name: OfficersByTermPage
-- in: prefix text, below text, after_term text, after_user text, state text?, clearance int?, ministry_id int?, designation_id int?, count int
-- out: term text, user_id text
SELECT t.term, t.user_id
FROM officer_terms t JOIN users u ON u.user_id = t.user_id
WHERE (t.term, t.user_id) > (:after_term, :after_user) AND t.term >= :prefix AND t.term < :below
  AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
  AND (:ministry_id IS NULL OR u.ministry_id = :ministry_id)
  AND (:designation_id IS NULL OR u.designation_id = :designation_id)
  AND NOT EXISTS (SELECT 1 FROM officer_terms e
                  WHERE e.user_id = t.user_id AND e.term >= :prefix AND e.term < t.term)
ORDER BY t.term, t.user_id LIMIT :count;

-- name: DeleteTermsOfOfficer
-- in: user_id text
DELETE FROM officer_terms WHERE user_id = :user_id;

-- name: InsertTerm
-- in: term text, user_id text
INSERT INTO officer_terms (term, user_id) VALUES (:term, :user_id)
ON CONFLICT (term, user_id) DO NOTHING;

-- name: StaleOfficers
-- in: count int
-- out: user_id text
SELECT user_id FROM users WHERE is_stale = 1 ORDER BY user_id LIMIT :count;

-- name: OfficerIsFresh
-- in: user_id text
UPDATE users SET is_stale = 0 WHERE user_id = :user_id;

-- name: OfficerName
-- in: user_id text
-- out: name text?, designation_id int?, state text
SELECT name, designation_id, state FROM users WHERE user_id = :user_id;

-- name: UpdateClearance
-- in: user_id text, clearance int
UPDATE users SET clearance = :clearance WHERE user_id = :user_id;

-- name: UpsertEnrolmentCode
-- in: user_id text, code_hash blob, created_ts int, expires_ts int, attempts_left int
INSERT INTO enrolment_codes (user_id, code_hash, created_ts, expires_ts, attempts_left)
VALUES (:user_id, :code_hash, :created_ts, :expires_ts, :attempts_left)
ON CONFLICT (user_id) DO UPDATE
SET code_hash = excluded.code_hash, created_ts = excluded.created_ts, expires_ts = excluded.expires_ts,
    attempts_left = excluded.attempts_left, used_ts = NULL;

-- name: EnrolmentCode
-- in: user_id text
-- out: code_hash blob, expires_ts int, attempts_left int, used_ts int?
SELECT code_hash, expires_ts, attempts_left, used_ts FROM enrolment_codes WHERE user_id = :user_id;

-- name: WrongEnrolmentCode
-- in: user_id text
UPDATE enrolment_codes SET attempts_left = attempts_left - 1
WHERE user_id = :user_id AND used_ts IS NULL AND attempts_left > 0;

-- name: UseEnrolmentCode
-- in: user_id text, used_ts int
UPDATE enrolment_codes SET used_ts = :used_ts WHERE user_id = :user_id;

-- name: DeleteEnrolmentCode
-- in: user_id text
DELETE FROM enrolment_codes WHERE user_id = :user_id;

-- Import --------------------------------------------------------------------------------------------

-- name: InsertImport
-- in: import_id text, digest blob, officers int, now int
INSERT INTO officer_imports (import_id, digest, state, officers, made, created_ts, touched_ts)
VALUES (:import_id, :digest, 'running', :officers, 0, :now, :now);

-- name: ImportById
-- in: import_id text
-- out: digest blob, state text, officers int, made int
SELECT digest, state, officers, made FROM officer_imports WHERE import_id = :import_id;

-- name: RunningImport
-- out: import_id text, touched_ts int
SELECT import_id, touched_ts FROM officer_imports WHERE state = 'running' ORDER BY touched_ts LIMIT 1;

-- name: ImportWentOn
-- in: import_id text, made int, now int
UPDATE officer_imports SET made = :made, touched_ts = :now WHERE import_id = :import_id;

-- name: ImportDone
-- in: import_id text, now int
UPDATE officer_imports SET state = 'done', touched_ts = :now WHERE import_id = :import_id;

-- name: DeleteImport
-- in: import_id text
DELETE FROM officer_imports WHERE import_id = :import_id;

-- name: ForgetImports
-- in: before_ts int
DELETE FROM officer_imports WHERE state = 'done' AND touched_ts < :before_ts;

-- name: InsertImportedUser
-- in: user_id text, created_ts int, name text, designation_id int?, ministry_id int?, clearance int
INSERT INTO users (user_id, password_hash, created_ts, state, must_change_password, name, designation_id, ministry_id,
                   clearance)
VALUES (:user_id, NULL, :created_ts, 'importing', 1, :name, :designation_id, :ministry_id, :clearance);

-- All of them in one step: one import runs at a time.
-- name: ImportedUsersAreThere
UPDATE users SET state = 'active' WHERE state = 'importing';

-- name: ImportedUsers
-- in: count int
-- out: user_id text
SELECT user_id FROM users WHERE state = 'importing' ORDER BY user_id LIMIT :count;

-- name: DeleteImportedUser
-- in: user_id text
DELETE FROM users WHERE user_id = :user_id AND state = 'importing';

-- name: UserIsTaken
-- in: user_id text
-- out: state text
SELECT state FROM users WHERE user_id = :user_id;

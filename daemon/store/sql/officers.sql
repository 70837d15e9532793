-- Accounts as administrators see them: lists of them, and how they first sign in.

-- name: SetOfficer
-- in: user_id text, name text?, employee_id text?, phone text?, designation_id int?, ministry_id int?, department_id int?, section_id int?
UPDATE users SET name = :name, employee_id = :employee_id, phone = :phone, designation_id = :designation_id,
  ministry_id = :ministry_id, department_id = :department_id, section_id = :section_id
WHERE user_id = :user_id;

-- name: UpdateClearance
-- in: user_id text, clearance int
UPDATE users SET clearance = :clearance WHERE user_id = :user_id;

-- name: OfficerById
-- in: user_id text
-- out: created_ts int, state text, clearance int, must_change_password int, name text?, display_name text?, employee_id text?, phone text?, designation_id int?, ministry_id int?, department_id int?, section_id int?, devices int, last_seen_ts int?, rooms int, identity_reset_until_ts int?
SELECT u.created_ts, u.state, u.clearance, u.must_change_password, u.name, p.value, u.employee_id, u.phone,
       u.designation_id, u.ministry_id, u.department_id, u.section_id,
       (SELECT count(*) FROM devices d WHERE d.user_id = u.user_id),
       (SELECT max(d.last_seen_ts) FROM devices d WHERE d.user_id = u.user_id),
       (SELECT count(*) FROM memberships m WHERE m.user_id = u.user_id AND m.membership = 'join'), r.until_ts
FROM users u
LEFT JOIN profile_fields p ON p.user_id = u.user_id AND p.name = 'displayname'
LEFT JOIN identity_resets r ON r.user_id = u.user_id
WHERE u.user_id = :user_id AND u.state <> 'importing';

-- The list, by who is asked for: all, a unit with what is in it, those whom a word finds. A filter that is NULL lets
-- everybody pass. Each walks an index from where the page before it ended.
-- name: OfficersPage
-- in: after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- name: OfficersOfMinistryPage
-- in: unit_id int, after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.ministry_id = :unit_id AND u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- name: OfficersOfDepartmentPage
-- in: unit_id int, after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.department_id = :unit_id AND u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- name: OfficersOfSectionPage
-- in: unit_id int, after text, state text?, clearance int?, count int
-- out: user_id text
SELECT u.user_id FROM users u
WHERE u.section_id = :unit_id AND u.user_id > :after AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
ORDER BY u.user_id LIMIT :count;

-- An account that several of its terms find comes once, with the first of them. `below`: folding.hpp, end_of_prefix().
-- name: OfficersByTermPage
-- in: prefix text, below text, after_term text, after_user text, state text?, clearance int?, unit_id int?, count int
-- out: term text, user_id text
SELECT t.term, t.user_id
FROM officer_terms t JOIN users u ON u.user_id = t.user_id
WHERE (t.term, t.user_id) > (:after_term, :after_user) AND t.term >= :prefix AND t.term < :below
  AND u.state <> 'importing'
  AND (:state IS NULL OR u.state = :state) AND (:clearance IS NULL OR u.clearance = :clearance)
  AND (:unit_id IS NULL OR u.ministry_id = :unit_id OR u.department_id = :unit_id OR u.section_id = :unit_id)
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

-- name: OfficerIsStale
-- in: user_id text, is_stale int
UPDATE users SET is_stale = :is_stale WHERE user_id = :user_id;

-- What others are told of an officer.
-- name: OfficerNames
-- in: user_id text
-- out: name text?, designation text?, designation_hi text?, ministry text?, department text?, section text?
SELECT u.name, t.name, t.name_hi, m.name, d.name, s.name
FROM users u
LEFT JOIN designations t ON t.designation_id = u.designation_id
LEFT JOIN units m ON m.unit_id = u.ministry_id
LEFT JOIN units d ON d.unit_id = u.department_id
LEFT JOIN units s ON s.unit_id = u.section_id
WHERE u.user_id = :user_id;

-- name: UserIsTaken
-- in: user_id text
-- out: state text
SELECT state FROM users WHERE user_id = :user_id;

-- Slips -------------------------------------------------------------------------------------------

-- name: InsertSlip
-- in: user_id text, code_hash blob, made_by text, made_ts int, expires_ts int, attempts_left int
-- out: slip_id int
INSERT INTO slips (user_id, code_hash, made_by, made_ts, expires_ts, attempts_left)
VALUES (:user_id, :code_hash, :made_by, :made_ts, :expires_ts, :attempts_left)
RETURNING slip_id;

-- The one that counts.
-- name: SlipOfUser
-- in: user_id text
-- out: slip_id int, code_hash blob, made_by text, made_ts int, expires_ts int, attempts_left int, used_ts int?, ended_ts int?
SELECT slip_id, code_hash, made_by, made_ts, expires_ts, attempts_left, used_ts, ended_ts
FROM slips WHERE user_id = :user_id ORDER BY slip_id DESC LIMIT 1;

-- name: SlipById
-- in: slip_id int
-- out: user_id text, expires_ts int, attempts_left int, used_ts int?, ended_ts int?
SELECT user_id, expires_ts, attempts_left, used_ts, ended_ts FROM slips WHERE slip_id = :slip_id;

-- name: SlipsPage
-- in: before int, count int
-- out: slip_id int, user_id text, made_by text, made_ts int, expires_ts int, attempts_left int, used_ts int?, ended_ts int?, display_name text?
SELECT s.slip_id, s.user_id, s.made_by, s.made_ts, s.expires_ts, s.attempts_left, s.used_ts, s.ended_ts, p.value
FROM slips s LEFT JOIN profile_fields p ON p.user_id = s.user_id AND p.name = 'displayname'
WHERE s.slip_id < :before ORDER BY s.slip_id DESC LIMIT :count;

-- name: WrongSlip
-- in: slip_id int
UPDATE slips SET attempts_left = attempts_left - 1 WHERE slip_id = :slip_id;

-- name: UseSlip
-- in: slip_id int, used_ts int
UPDATE slips SET used_ts = :used_ts WHERE slip_id = :slip_id;

-- One that was used stays what it is: used.
-- name: EndSlipsOfUser
-- in: user_id text, ended_ts int
UPDATE slips SET ended_ts = :ended_ts WHERE user_id = :user_id AND ended_ts IS NULL;

-- name: EndSlip
-- in: slip_id int, ended_ts int
UPDATE slips SET ended_ts = :ended_ts WHERE slip_id = :slip_id;

-- name: PasswordByCode
-- in: user_id text
UPDATE users SET password_hash = NULL, must_change_password = 1 WHERE user_id = :user_id;

-- Import --------------------------------------------------------------------------------------------

-- name: ImportById
-- in: import_id text
-- out: officers int
SELECT officers FROM officer_imports WHERE import_id = :import_id;

-- name: InsertImport
-- in: import_id text, officers int, done_ts int
INSERT INTO officer_imports (import_id, officers, done_ts) VALUES (:import_id, :officers, :done_ts);

-- name: ForgetImports
-- in: before_ts int
DELETE FROM officer_imports WHERE done_ts < :before_ts;

-- name: InsertUserOfImport
-- in: user_id text, created_ts int
INSERT INTO users (user_id, password_hash, created_ts, state, must_change_password)
VALUES (:user_id, NULL, :created_ts, 'importing', 1);

-- All of them in one step, as one import runs at a time.
-- name: UsersOfImportAreThere
UPDATE users SET state = 'active' WHERE state = 'importing';

-- name: UsersOfImport
-- in: count int
-- out: user_id text
SELECT user_id FROM users WHERE state = 'importing' ORDER BY user_id LIMIT :count;

-- name: DeleteUserOfImport
-- in: user_id text
DELETE FROM users WHERE user_id = :user_id AND state = 'importing';

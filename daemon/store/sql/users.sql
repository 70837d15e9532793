-- Accounts, and who may sign in.

-- name: InsertUser
-- in: user_id text, password_hash blob?, created_ts int, must_change_password int
INSERT INTO users (user_id, password_hash, created_ts, must_change_password)
VALUES (:user_id, :password_hash, :created_ts, :must_change_password);

-- One that an import is making is not there yet.
-- name: UserById
-- in: user_id text
-- out: password_hash blob?, created_ts int, state text, clearance int, must_change_password int
SELECT password_hash, created_ts, state, clearance, must_change_password
FROM users WHERE user_id = :user_id AND state <> 'importing';

-- name: UpdatePassword
-- in: user_id text, password_hash blob?, must_change_password int
UPDATE users SET password_hash = :password_hash, must_change_password = :must_change_password
WHERE user_id = :user_id;

-- name: UpdateUserState
-- in: user_id text, state text
UPDATE users SET state = :state WHERE user_id = :user_id;

-- name: UserCounts
-- out: active int, suspended int, locked int, deactivated int
SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'suspended'),
       count(*) FILTER (WHERE state = 'locked'), count(*) FILTER (WHERE state = 'deactivated')
FROM users;

-- The directory of officers: active accounts whose id or display name holds the term. lower() folds
-- ASCII alone, which is right for the scripts of India: they have no case.
-- name: SearchUsers
-- in: term text, self text, count int
-- out: user_id text, display_name text?, avatar_url text?
SELECT u.user_id, d.value, a.value
FROM users u
LEFT JOIN profile_fields d ON d.user_id = u.user_id AND d.name = 'displayname'
LEFT JOIN profile_fields a ON a.user_id = u.user_id AND a.name = 'avatar_url'
WHERE u.state = 'active' AND u.user_id <> :self
  AND (instr(lower(u.user_id), lower(:term)) > 0 OR instr(lower(coalesce(d.value, '')), lower(:term)) > 0)
ORDER BY u.user_id LIMIT :count;

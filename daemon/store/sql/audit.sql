-- The audit log (store/audit.hpp). Nothing here changes or removes an entry.

-- name: AppendAudit
-- in: sequence int, ts int, actor text, origin text, act text, target text, detail text, hash blob
INSERT INTO audit_log (sequence, ts, actor, origin, act, target, detail, hash)
VALUES (:sequence, :ts, :actor, :origin, :act, :target, :detail, :hash);

-- name: AuditHead
-- out: sequence int, hash blob
SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1;

-- name: AuditEntries
-- in: after int, most int
-- out: sequence int, ts int, actor text, origin text, act text, target text, detail text, hash blob
SELECT sequence, ts, actor, origin, act, target, detail, hash FROM audit_log
WHERE sequence > :after ORDER BY sequence LIMIT :most;

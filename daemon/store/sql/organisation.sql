-- The tree of ministries, departments and designations.

-- name: InsertUnit
-- in: parent_id int, level int, ministry_id int, name text, name_hi text?, name_key text, import_id text?
-- out: unit_id int
INSERT INTO units (parent_id, level, ministry_id, name, name_hi, name_key, import_id)
VALUES (:parent_id, :level, :ministry_id, :name, :name_hi, :name_key, :import_id)
RETURNING unit_id;

-- A new ministry belongs to itself.
-- name: OwnMinistry
-- in: unit_id int
UPDATE units SET ministry_id = unit_id WHERE unit_id = :unit_id;

-- name: UnitById
-- in: unit_id int
-- out: parent_id int, level int, ministry_id int, name text, name_hi text?
SELECT parent_id, level, ministry_id, name, name_hi FROM units WHERE unit_id = :unit_id;

-- name: UnitByName
-- in: parent_id int, name_key text
-- out: unit_id int, ministry_id int
SELECT unit_id, ministry_id FROM units WHERE parent_id = :parent_id AND name_key = :name_key;

-- name: CountUnits
-- in: parent_id int
-- out: units int
SELECT count(*) FROM units WHERE parent_id = :parent_id;

-- name: CountAllUnits
-- out: units int
SELECT count(*) FROM units;

-- The officers of a designation are those in it; closed accounts do not count.
-- name: UnitsPage
-- in: parent_id int, after_key text, count int
-- out: unit_id int, level int, name text, name_hi text?, name_key text, units int, officers int
SELECT t.unit_id, t.level, t.name, t.name_hi, t.name_key,
       (SELECT count(*) FROM units c WHERE c.parent_id = t.unit_id),
       CASE t.level
         WHEN 1 THEN (SELECT count(*) FROM users u WHERE u.ministry_id = t.unit_id
                        AND u.state NOT IN ('deactivated', 'importing'))
         WHEN 2 THEN (SELECT count(*) FROM units c JOIN users u ON u.designation_id = c.unit_id
                      WHERE c.parent_id = t.unit_id AND u.state NOT IN ('deactivated', 'importing'))
         ELSE (SELECT count(*) FROM users u WHERE u.designation_id = t.unit_id
                 AND u.state NOT IN ('deactivated', 'importing'))
       END
FROM units t WHERE t.parent_id = :parent_id AND t.name_key > :after_key
ORDER BY t.name_key LIMIT :count;

-- name: RenameUnit
-- in: unit_id int, name text, name_hi text?, name_key text
UPDATE units SET name = :name, name_hi = :name_hi, name_key = :name_key WHERE unit_id = :unit_id;

-- name: MoveUnit
-- in: unit_id int, parent_id int, ministry_id int
UPDATE units SET parent_id = :parent_id, ministry_id = :ministry_id WHERE unit_id = :unit_id;

-- name: MoveChildren
-- in: from_parent int, to_parent int, ministry_id int
UPDATE units SET parent_id = :to_parent, ministry_id = :ministry_id WHERE parent_id = :from_parent;

-- A name that two places have in common, and that therefore cannot be in one.
-- name: CommonChild
-- in: one int, other int
-- out: name text
SELECT a.name FROM units a JOIN units b ON b.name_key = a.name_key
WHERE a.parent_id = :one AND b.parent_id = :other ORDER BY a.name_key LIMIT 1;

-- The designations in a department went to another ministry.
-- name: SetMinistryOfChildren
-- in: parent_id int, ministry_id int
UPDATE units SET ministry_id = :ministry_id WHERE parent_id = :parent_id;

-- name: SetMinistryOfOfficers
-- in: department_id int, ministry_id int
UPDATE users SET ministry_id = :ministry_id
WHERE designation_id IN (SELECT unit_id FROM units WHERE parent_id = :department_id);

-- name: MoveOfficers
-- in: from_designation int, to_designation int?, ministry_id int?
UPDATE users SET designation_id = :to_designation, ministry_id = :ministry_id, is_stale = 1
WHERE designation_id = :from_designation;

-- name: CountOfficersOfDesignation
-- in: designation_id int
-- out: officers int
SELECT count(*) FROM users WHERE designation_id = :designation_id AND state <> 'deactivated';

-- name: MakeOfficersStale
-- in: designation_id int
UPDATE users SET is_stale = 1 WHERE designation_id = :designation_id;

-- name: DeleteUnit
-- in: unit_id int
DELETE FROM units WHERE unit_id = :unit_id;

-- A designation with what it is in.
-- name: DesignationPath
-- in: designation_id int
-- out: designation text, designation_hi text?, department_id int, department text, ministry_id int, ministry text
SELECT t.name, t.name_hi, d.unit_id, d.name, m.unit_id, m.name
FROM units t JOIN units d ON d.unit_id = t.parent_id JOIN units m ON m.unit_id = d.parent_id
WHERE t.unit_id = :designation_id AND t.level = 3;

-- name: UnitsOfImportEnded
-- in: import_id text
UPDATE units SET import_id = NULL WHERE import_id IS NOT NULL AND import_id = :import_id;

-- The deepest first, so that nothing hangs on what goes.
-- name: UnitsOfImport
-- in: import_id text
-- out: unit_id int
SELECT unit_id FROM units WHERE import_id IS NOT NULL AND import_id = :import_id ORDER BY level DESC, unit_id;

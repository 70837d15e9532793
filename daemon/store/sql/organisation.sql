-- The tree of ministries, departments and sections, and the designations.

-- name: InsertUnit
-- in: parent_id int, level int, name text, name_hi text?, name_key text
-- out: unit_id int
INSERT INTO units (parent_id, level, name, name_hi, name_key)
VALUES (:parent_id, :level, :name, :name_hi, :name_key)
RETURNING unit_id;

-- name: UnitById
-- in: unit_id int
-- out: parent_id int, level int, name text, name_hi text?
SELECT parent_id, level, name, name_hi FROM units WHERE unit_id = :unit_id;

-- name: UnitByName
-- in: parent_id int, name_key text
-- out: unit_id int
SELECT unit_id FROM units WHERE parent_id = :parent_id AND name_key = :name_key;

-- name: CountUnits
-- out: units int
SELECT count(*) FROM units;

-- name: CountUnitsIn
-- in: parent_id int
-- out: units int
SELECT count(*) FROM units WHERE parent_id = :parent_id;

-- Each level in its order.
-- name: AllUnits
-- out: unit_id int, parent_id int, level int, name text, name_hi text?
SELECT unit_id, parent_id, level, name, name_hi FROM units ORDER BY parent_id, name_key;

-- Closed accounts do not count.
-- name: OfficersOfUnits
-- out: ministry_id int?, department_id int?, section_id int?, officers int
SELECT ministry_id, department_id, section_id, count(*) FROM users
WHERE ministry_id IS NOT NULL AND state NOT IN ('deactivated', 'importing')
GROUP BY ministry_id, department_id, section_id;

-- name: OfficersOfDesignations
-- out: designation_id int?, officers int
SELECT designation_id, count(*) FROM users
WHERE designation_id IS NOT NULL AND state NOT IN ('deactivated', 'importing')
GROUP BY designation_id;

-- name: ChangeUnit
-- in: unit_id int, parent_id int, name text, name_hi text?, name_key text
UPDATE units SET parent_id = :parent_id, name = :name, name_hi = :name_hi, name_key = :name_key
WHERE unit_id = :unit_id;

-- name: DeleteUnit
-- in: unit_id int
DELETE FROM units WHERE unit_id = :unit_id;

-- A department went to another ministry, with its sections' officers.
-- name: MoveOfficersOfDepartment
-- in: department_id int, ministry_id int
UPDATE users SET ministry_id = :ministry_id WHERE department_id = :department_id;

-- name: MoveOfficersOfSection
-- in: section_id int, department_id int, ministry_id int
UPDATE users SET department_id = :department_id, ministry_id = :ministry_id WHERE section_id = :section_id;

-- name: OpenOfficersOfMinistry
-- in: unit_id int
-- out: officers int
SELECT count(*) FROM users WHERE ministry_id = :unit_id AND state <> 'deactivated';

-- name: OpenOfficersOfDepartment
-- in: unit_id int
-- out: officers int
SELECT count(*) FROM users WHERE department_id = :unit_id AND state <> 'deactivated';

-- name: OpenOfficersOfSection
-- in: unit_id int
-- out: officers int
SELECT count(*) FROM users WHERE section_id = :unit_id AND state <> 'deactivated';

-- Closed accounts let go of what is removed.
-- name: LeaveMinistry
-- in: unit_id int
UPDATE users SET ministry_id = NULL WHERE ministry_id = :unit_id;

-- name: LeaveDepartment
-- in: unit_id int
UPDATE users SET department_id = NULL WHERE department_id = :unit_id;

-- name: LeaveSection
-- in: unit_id int
UPDATE users SET section_id = NULL WHERE section_id = :unit_id;

-- name: InsertDesignation
-- in: name text, name_hi text?, name_key text, rank int?
-- out: designation_id int
INSERT INTO designations (name, name_hi, name_key, rank) VALUES (:name, :name_hi, :name_key, :rank)
RETURNING designation_id;

-- name: DesignationById
-- in: designation_id int
-- out: name text, name_hi text?, rank int?
SELECT name, name_hi, rank FROM designations WHERE designation_id = :designation_id;

-- name: DesignationByName
-- in: name_key text
-- out: designation_id int
SELECT designation_id FROM designations WHERE name_key = :name_key;

-- name: AllDesignations
-- out: designation_id int, name text, name_hi text?, rank int?
SELECT designation_id, name, name_hi, rank FROM designations ORDER BY name_key;

-- name: CountDesignations
-- out: designations int
SELECT count(*) FROM designations;

-- name: ChangeDesignation
-- in: designation_id int, name text, name_hi text?, name_key text, rank int?
UPDATE designations SET name = :name, name_hi = :name_hi, name_key = :name_key, rank = :rank
WHERE designation_id = :designation_id;

-- name: DeleteDesignation
-- in: designation_id int
DELETE FROM designations WHERE designation_id = :designation_id;

-- name: OpenOfficersOfDesignation
-- in: designation_id int
-- out: officers int
SELECT count(*) FROM users WHERE designation_id = :designation_id AND state <> 'deactivated';

-- name: LeaveDesignation
-- in: designation_id int
UPDATE users SET designation_id = NULL WHERE designation_id = :designation_id;

-- name: MakeOfficersStale
-- in: designation_id int
UPDATE users SET is_stale = 1 WHERE designation_id = :designation_id;

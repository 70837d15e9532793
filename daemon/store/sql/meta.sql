-- The schema's version and the end of the stream.

-- name: MetaValue
-- in: name text
-- out: value text
SELECT value FROM meta WHERE name = :name;

-- name: SetMetaValue
-- in: name text, value text
INSERT INTO meta (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- Written in every batch that took a position, so that none is ever given twice, whatever rows are
-- deleted, and so that a reader's snapshot says itself up to where it reaches.
-- name: SetStreamPosition
-- in: position int
UPDATE stream_position SET position = :position WHERE id = 1;

-- name: StreamPosition
-- out: position int
SELECT position FROM stream_position WHERE id = 1;

-- Media: what is known of each file. The content lies encrypted in the media folder, under the id.

-- name: InsertMedia
-- in: media_id text, owner text, content_type text, file_name text?, size int, created_ts int, expires_ts int?
INSERT INTO media (media_id, owner, content_type, file_name, size, created_ts, expires_ts)
VALUES (:media_id, :owner, :content_type, :file_name, :size, :created_ts, :expires_ts);

-- name: MediaById
-- in: media_id text
-- out: owner text, content_type text, file_name text?, size int, expires_ts int?
SELECT owner, content_type, file_name, size, expires_ts FROM media WHERE media_id = :media_id;

-- name: FillPromisedMedia
-- in: media_id text, owner text, content_type text, file_name text?, size int
UPDATE media
SET content_type = :content_type, file_name = :file_name, size = :size, expires_ts = NULL
WHERE media_id = :media_id AND owner = :owner AND size = -1;

-- name: MediaBytesOfUser
-- in: owner text
-- out: bytes int
SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM media WHERE owner = :owner AND size >= 0;

-- name: MediaPromisesOfUser
-- in: owner text, now_ms int
-- out: promises int
SELECT count(*) FROM media WHERE owner = :owner AND size = -1 AND expires_ts > :now_ms;

-- At most :most a call, so that the writer is never held long.
-- name: ForgetMediaPromises
-- in: before_ts int, most int
DELETE FROM media WHERE media_id IN (
  SELECT media_id FROM media WHERE expires_ts < :before_ts ORDER BY expires_ts LIMIT :most);

-- name: MediaAfter
-- in: after text, most int
-- out: media_id text, size int
SELECT media_id, size FROM media WHERE media_id > :after AND size >= 0 ORDER BY media_id LIMIT :most;

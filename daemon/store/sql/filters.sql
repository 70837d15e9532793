-- Filters that clients stored (service/filters.hpp).

-- name: FilterContent
-- in: user_id text, filter_id int
-- out: content blob
SELECT content FROM filters WHERE user_id = :user_id AND filter_id = :filter_id;

-- name: FilterWithContent
-- in: user_id text, content blob
-- out: filter_id int
SELECT filter_id FROM filters WHERE user_id = :user_id AND content = :content;

-- name: LastFilter
-- in: user_id text
-- out: filter_id int?
SELECT max(filter_id) FROM filters WHERE user_id = :user_id;

-- name: StoreFilter
-- in: user_id text, filter_id int, content blob
INSERT INTO filters (user_id, filter_id, content) VALUES (:user_id, :filter_id, :content);

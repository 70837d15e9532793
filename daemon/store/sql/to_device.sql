-- Messages to devices, kept until the device has them.

-- name: InsertToDevice
-- in: stream_id int, user_id text, device_id text, content blob, message_total int, byte_total int
INSERT INTO to_device_messages (stream_id, user_id, device_id, content, message_total, byte_total)
VALUES (:stream_id, :user_id, :device_id, :content, :message_total, :byte_total);

-- The totals with the newest that waits, and before the oldest; no row where nothing waits. Only the
-- oldest are ever taken away.
-- name: ToDeviceQueue
-- in: user_id text, device_id text
-- out: message_total int, byte_total int, messages_gone int, bytes_gone int
SELECT newest.message_total, newest.byte_total,
       oldest.message_total - 1, oldest.byte_total - length(oldest.content)
FROM (SELECT message_total, byte_total FROM to_device_messages
      WHERE user_id = :user_id AND device_id = :device_id ORDER BY stream_id DESC LIMIT 1) AS newest,
     (SELECT message_total, byte_total, content FROM to_device_messages
      WHERE user_id = :user_id AND device_id = :device_id ORDER BY stream_id LIMIT 1) AS oldest;

-- name: DeleteToDeviceOfDevice
-- in: user_id text, device_id text
DELETE FROM to_device_messages WHERE user_id = :user_id AND device_id = :device_id;

-- Messages to devices, kept until the device has them.

-- name: InsertToDevice
-- in: stream_id int, user_id text, device_id text, content blob
INSERT INTO to_device_messages (stream_id, user_id, device_id, content)
VALUES (:stream_id, :user_id, :device_id, :content);

-- name: ToDeviceWaiting
-- in: user_id text, device_id text, most int
-- out: waiting int
SELECT count(*) FROM (SELECT 1 FROM to_device_messages
  WHERE user_id = :user_id AND device_id = :device_id LIMIT :most) AS some;

-- name: DeleteToDeviceOfDevice
-- in: user_id text, device_id text
DELETE FROM to_device_messages WHERE user_id = :user_id AND device_id = :device_id;

-- How much has been queued for a device, up to and with each message, since nothing waited: with the
-- oldest and the newest one knows how much waits, without a walk over what is between.

ALTER TABLE to_device_messages ADD COLUMN message_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE to_device_messages ADD COLUMN byte_total BIGINT NOT NULL DEFAULT 0;
UPDATE to_device_messages SET message_total = q.messages, byte_total = q.bytes
FROM (SELECT stream_id AS id,
             row_number() OVER (PARTITION BY user_id, device_id ORDER BY stream_id) AS messages,
             sum(length(content)) OVER (PARTITION BY user_id, device_id ORDER BY stream_id) AS bytes
      FROM to_device_messages) AS q
WHERE q.id = to_device_messages.stream_id;

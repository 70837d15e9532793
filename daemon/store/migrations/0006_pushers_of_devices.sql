-- A pusher ends with its device; those of devices that are gone already were left behind.

DELETE FROM pushers WHERE NOT EXISTS (
  SELECT 1 FROM devices d WHERE d.user_id = pushers.user_id AND d.device_id = pushers.device_id);

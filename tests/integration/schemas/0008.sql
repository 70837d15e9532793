-- Made by fill.py.
INSERT INTO rooms (room_nid, room_id, version, created_ts, is_listed, classification) VALUES (1,'!pZKUhcaMwJIFjnzbYw:gims.internal','10',1795812114818,0,0);
INSERT INTO rooms (room_nid, room_id, version, created_ts, is_listed, classification) VALUES (2,'!HacFGrRUcyfZkvIqWg:gims.internal','11',1795812114819,0,0);
INSERT INTO rooms (room_nid, room_id, version, created_ts, is_listed, classification) VALUES (3,'!6J1pIrDlhiaL_cvi_H08cIgFYl3OhF7jxwWmSCPElnA','12',1795812114820,1,0);
INSERT INTO key_backups (user_id, version, algorithm, auth_data, etag, deleted, sessions) VALUES ('@desk.officer:gims.internal',1,'m.megolm_backup.v1.curve25519-aes-sha2',X'7B227075626C69635F6B6579223A2252337A4777382F446D744A466D74753051446664384B356B4336395142713246774B6B6B2F6E4F786C7967227D',2,0,2);
INSERT INTO device_list_changes (stream_id, user_id) VALUES (5,'@desk.officer:gims.internal');
INSERT INTO to_device_messages (stream_id, user_id, device_id, content, message_total, byte_total) VALUES (50,'@desk.officer:gims.internal','PHONE',X'7B22636F6E74656E74223A7B22736563726574223A22666F72207468652070686F6E65227D2C2273656E646572223A2240636C65726B3A67696D732E696E7465726E616C222C2274797065223A226D2E74657374227D',1,86);
INSERT INTO identity_resets (user_id, until_ts) VALUES ('@clerk:gims.internal',1795815714818);

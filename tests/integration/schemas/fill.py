#!/usr/bin/env python3
"""Makes the rows of upgrade_test.py: a site in which every table has some, and what its clients know.

    scripts/enter python3 tests/integration/schemas/fill.py BUILD

With a new migration, 000N.sql of the version before it is to be added here, and by a run of this; those of older
versions stay as they are, unless all are made anew.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import sqlite3
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2] / "scripts"), str(HERE.parent)]
import gimssite
import matrix_api

V3 = "/_matrix/client/v3"
# Tables that are not alike in all versions, with what each version has of them.
OTHERWISE = ("rooms", "key_backups", "device_list_changes", "to_device_messages", "identity_resets")


class CrossSigning:
    def __init__(self, user_id):
        self.user_id = user_id
        self.keys = {usage: Ed25519PrivateKey.generate() for usage in ("master", "self_signing", "user_signing")}

    def public(self, usage):
        return matrix_api.unpadded(self.keys[usage].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def signed(self, content, usage):
        plain = {name: value for name, value in content.items() if name not in ("signatures", "unsigned")}
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        signatures = {f"ed25519:{self.public(usage)}": matrix_api.unpadded(self.keys[usage].sign(text))}
        return content | {"signatures": {self.user_id: signatures}}

    def upload(self):
        def key(usage):
            return {"user_id": self.user_id, "usage": [usage], "keys": {f"ed25519:{self.public(usage)}": self.public(usage)}}
        return {"master_key": key("master"), "self_signing_key": self.signed(key("self_signing"), "master"),
                "user_signing_key": self.signed(key("user_signing"), "master")}


async def fill(site):
    passwords = {name: site.add_user(name) for name in ("desk.officer", "clerk")}
    async with matrix_api.together([matrix_api.Client(site.url, site.ca) for _ in range(2)]) as (one, other):
        await one.login("desk.officer", passwords["desk.officer"], "PHONE")
        await other.login("clerk", passwords["clerk"])
        session = await other.call("POST", f"{V3}/login", {
            "type": "m.login.password", "password": passwords["clerk"], "refresh_token": True,
            "identifier": {"type": "m.id.user", "user": "clerk"}})
        me = matrix_api.quoted(one.user_id)
        await one.call("PUT", f"{V3}/profile/{me}/displayname", {"displayname": "Desk Officer"})
        await one.call("PUT", f"{V3}/user/{me}/account_data/gims.test", {"kept": "since then"})
        await one.call("POST", f"{V3}/user/{me}/filter", {"room": {"timeline": {"limit": 5}}})
        await one.call("POST", f"{V3}/pushers/set", {
            "app_id": "gims", "pushkey": "key", "kind": "http", "app_display_name": "GIMS", "device_display_name": "Phone",
            "lang": "en", "data": {"url": "https://gims.internal/_matrix/push/v1/notify"}})

        keys = matrix_api.DeviceKeys(one.user_id, one.device_id)
        device = keys.device_keys()
        one_time = keys.one_time_keys(0, 3)
        fallback = {"signed_curve25519:F1": keys.signed({"key": matrix_api.new_curve_key(), "fallback": True})}
        await one.call("POST", f"{V3}/keys/upload", {"device_keys": device, "one_time_keys": one_time, "fallback_keys": fallback})
        cross = CrossSigning(one.user_id)
        await one.call("POST", f"{V3}/keys/device_signing/upload", cross.upload())
        await one.call("POST", f"{V3}/keys/signatures/upload", {one.user_id: {one.device_id: cross.signed(device, "self_signing")}})
        await other.call("POST", f"{V3}/keys/claim", {"one_time_keys": {one.user_id: {one.device_id: "signed_curve25519"}}})

        alias = f"#registry:{site.name}"
        rooms = [await one.create_room(preset="private_chat", invite=[other.user_id], room_version=version, **more)
                 for version, more in (("10", {}), ("11", {}), ("12", {"room_alias_name": "registry", "name": "Registry"}))]
        for room in rooms:
            await other.join(room)
            sent = [(await one.call("PUT", one.send_path(room, f"t{i}"), matrix_api.encrypted(i)))["event_id"] for i in range(3)]
            await one.call("PUT", f"{V3}/rooms/{matrix_api.quoted(room)}/redact/{matrix_api.quoted(sent[0])}/r", {})
            await other.call("POST", f"{V3}/rooms/{matrix_api.quoted(room)}/receipt/m.read/{matrix_api.quoted(sent[1])}", {})
        await one.call("PUT", f"{V3}/directory/list/room/{matrix_api.quoted(rooms[2])}", {"visibility": "public"})
        await other.call("POST", f"{V3}/rooms/{matrix_api.quoted(rooms[0])}/report/{matrix_api.quoted(sent_in(await one.messages(rooms[0])))}",
                         {"reason": "to be looked at"})

        version = (await one.call("POST", f"{V3}/room_keys/version", {
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": matrix_api.new_curve_key()}}))["version"]
        for number in range(2):
            await one.call("PUT", f"{V3}/room_keys/keys/{matrix_api.quoted(rooms[0])}/session{number}", {
                "first_message_index": 0, "forwarded_count": 0, "is_verified": True, "session_data": {"ciphertext": "c"}}, version=version)

        text = "The minutes of the meeting."
        async with one.session.post(one.url + "/_matrix/media/v3/upload", data=text.encode(), headers={
                "Authorization": f"Bearer {one.token}", "Content-Type": "text/plain"}) as response:
            media_id = (await response.json())["content_uri"].rpartition("/")[2]

        since = (await one.call("GET", f"{V3}/sync"))["next_batch"]
        waiting = {"secret": "for the phone"}
        await other.call("PUT", f"{V3}/sendToDevice/m.test/t", {"messages": {one.user_id: {one.device_id: waiting}}})
        return {
            "user": "desk.officer", "password": passwords["desk.officer"], "user_id": one.user_id, "token": one.token,
            "device_id": one.device_id, "refresh_token": session["refresh_token"], "since": since, "to_device": [waiting],
            "account_data": {"kept": "since then"}, "alias": alias, "listed": [rooms[2]], "backup_sessions": 2,
            "rooms": {room: [event["event_id"] for event in await one.messages(room)] for room in rooms},
            "media_id": media_id, "media_text": text}


def sent_in(events):
    return next(event["event_id"] for event in events if event["type"] == "m.room.encrypted" and event["content"])


def rows(connection, table, columns=None, where="1"):
    columns = columns or [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    quoted = " || ',' || ".join(f"quote({column})" for column in columns)
    for values, in connection.execute(f"SELECT {quoted} FROM {table} WHERE {where} ORDER BY 1"):
        yield f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values});"


def of_version(connection, version):
    columns = lambda table: [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    found = list(rows(connection, "rooms"))
    if version < 4:
        found = [re.sub(r"\) VALUES \((.*)\);$", r", is_announcement) VALUES (\1,0);", line) for line in found]
    found += rows(connection, "key_backups", [name for name in columns("key_backups") if version >= 3 or name != "sessions"])
    found += rows(connection, "device_list_changes")
    if version < 2:
        # Each change had its row then; the newest is above.
        found += [f"INSERT INTO device_list_changes (stream_id, user_id) VALUES ({position},{user});" for position, user in
                  connection.execute("SELECT -min(stream_id), quote(user_id) FROM device_list_changes GROUP BY user_id")]
    found += rows(connection, "to_device_messages",
                  [name for name in columns("to_device_messages") if version >= 7 or not name.endswith("_total")])
    if version >= 8:
        found += rows(connection, "identity_resets")
    return found


def main(build):
    with tempfile.TemporaryDirectory(prefix="gims-") as folder:
        os.chmod(folder, 0o755)
        site = gimssite.Site(Path(folder) / "site", build=Path(build).resolve())
        try:
            site.start()
            facts = asyncio.run(fill(site))
            for administrator in ("Asha", "Bimal"):
                site.gimsctl("user", "reset-identity", "clerk", *site.means(administrator))
        finally:
            site.stop()
        data = site.folder / "gimsd"
        facts |= {"root_key": site.root_key_file.read_bytes().hex(),
                  "media": base64.b64encode((data / "media" / facts["media_id"]).read_bytes()).decode()}
        (HERE / "site.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        with contextlib.closing(sqlite3.connect(data / "gims.db")) as connection:
            tables = [name for name, in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name")]
            common = [line for table in tables if table not in OTHERWISE
                      for line in rows(connection, table, where="name <> 'schema_version'" if table == "meta" else "1")]
            newest = int(connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()[0])
            (HERE / "common.sql").write_text("-- Made by fill.py.\n" + "\n".join(common) + "\n")
            for version in range(1, newest):
                text = "\n".join(of_version(connection, version))
                (HERE / f"{version:04}.sql").write_text("-- Made by fill.py.\n" + text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

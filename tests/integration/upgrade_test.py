"""The database of each older release is brought to the present schema with all that is in it; a stop in between
leaves a version and no half; one of a newer release is refused, unchanged.

schemas/ has what such a release wrote: common.sql what every version has alike, 0001.sql and so on what the
tables of that version have otherwise, site.json what clients of then knew. The rows are of one site whose root key
is in site.json, too, so that passwords, tokens and media open. `schemas/fill.py` made them.
"""

import asyncio
import base64
import contextlib
import json
import random
import shutil
import sqlite3
import time
import unittest

import matrix_api
from rig import TOP, SiteTest, gimssite

SCHEMAS = TOP / "tests/integration/schemas"
MIGRATIONS = sorted((TOP / "daemon/store/migrations").glob("*.sql"))
NEWEST = len(MIGRATIONS)
KILLS = 8


def made(version, rows=True):
    """A database as the release with this schema left it, in memory."""
    connection = sqlite3.connect(":memory:")
    for migration in MIGRATIONS[:version]:
        connection.executescript(migration.read_text())
    if rows:
        connection.execute("DELETE FROM stream_position")
        connection.executescript((SCHEMAS / "common.sql").read_text())
        connection.executescript((SCHEMAS / f"{version:04}.sql").read_text())
    connection.execute("INSERT INTO meta (name, value) VALUES ('schema_version', ?)", (str(version),))
    connection.commit()
    return connection


def objects(connection):
    return sorted(connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'"))


def columns(connection, table):
    return [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]


def rows(connection, table, of):
    return sorted(connection.execute(f"SELECT {', '.join(of)} FROM {table}"), key=repr)


class UpgradeTest(SiteTest):
    started = False

    def setUp(self):
        super().setUp()
        self.facts = json.loads((SCHEMAS / "site.json").read_text())
        self.data = self.site.folder / "gimsd"
        self.site.prepare()
        self.site.root_key_file.write_bytes(bytes.fromhex(self.facts["root_key"]))
        self.site.root_key_file.chmod(0o600)
        self.site.start_tpm()
        self.site.start_keyd()
        self.keep_custody()

    def put(self, connection):
        """The database becomes gimsd's, as if there had been no other."""
        self.put_back_custody()
        for path in self.data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        with contextlib.closing(sqlite3.connect(self.data / "gims.db")) as file:
            connection.backup(file)
        media = self.data / "media"
        media.mkdir(mode=0o700)
        (media / self.facts["media_id"]).write_bytes(base64.b64decode(self.facts["media"]))
        for path in (self.data / "gims.db", media, media / self.facts["media_id"]):
            shutil.chown(path, "gimsd", "gimsd")

    @contextlib.contextmanager
    def opened(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'gims.db'}?mode=ro", uri=True)) as connection:
            yield connection

    def test_every_older_schema(self):
        versions = sorted(int(path.stem) for path in SCHEMAS.glob("[0-9]*.sql"))
        self.assertEqual(versions, list(range(1, NEWEST)), "a fixture for each version but the newest")
        for version in versions:
            with self.subTest(version=version):
                old = made(version)
                self.put(old)
                self.site.start_gimsd()
                with self.opened() as new:
                    self.assertEqual(objects(new), objects(made(NEWEST, rows=False)))
                    self.assert_same(old, new)
                self.site.start_tlsd()
                asyncio.run(self.use())
                self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))
                self.assertEqual(self.site.tlsd.stop(), 0)
                self.assertEqual(self.site.gimsd.stop(), 0)

    def assert_same(self, old, new):
        """Every row is there, with all that both versions have of it."""
        for kind, table, _ in objects(old):
            if kind != "table":
                continue
            both = [name for name in columns(old, table) if name in columns(new, table)]
            before, after = rows(old, table, both), rows(new, table, both)
            self.assertTrue(before, f"the fixture has no row of {table}")
            if table == "meta":
                before = sorted([row for row in before if row[0] != "schema_version"] + [("schema_version", str(NEWEST))])
            elif table == "device_list_changes":  # of each user's the newest is kept
                before = sorted((max(position for position, user in before if user == one), one) for one in {user for _, user in before})
                after = sorted(after)
            self.assertEqual(after, before, table)
        self.assertEqual(new.execute("""SELECT count(*) FROM key_backups b WHERE sessions <> (SELECT count(*)
            FROM key_backup_sessions s WHERE s.user_id = b.user_id AND s.version = b.version)""").fetchone()[0], 0)

    async def use(self):
        """What an officer of then finds, signed in from then and anew."""
        facts = self.facts
        async with matrix_api.together([self.client(), self.client()]) as (old, new):
            old.token, old.user_id, old.device_id = facts["token"], facts["user_id"], facts["device_id"]
            self.assertEqual((await old.call("GET", "/_matrix/client/v3/account/whoami"))["device_id"], facts["device_id"])
            news = await old.call("GET", "/_matrix/client/v3/sync", since=facts["since"])
            self.assertEqual([event["content"] for event in news["to_device"]["events"]], facts["to_device"])
            await new.login(facts["user"], facts["password"])
            sync = await new.call("GET", "/_matrix/client/v3/sync")
            self.assertEqual(sorted(sync["rooms"]["join"]), sorted(facts["rooms"]))
            self.assertEqual({event["type"]: event["content"] for event in sync["account_data"]["events"]}["gims.test"],
                             facts["account_data"])
            for room, messages in facts["rooms"].items():
                found = [event["event_id"] for event in await new.messages(room)]
                self.assertEqual(found, messages)
            joined = await new.call("GET", f"/_matrix/client/v3/directory/room/{matrix_api.quoted(facts['alias'])}")
            self.assertIn(joined["room_id"], facts["rooms"])
            public = await new.call("GET", "/_matrix/client/v3/publicRooms")
            self.assertEqual([room["room_id"] for room in public["chunk"]], facts["listed"])
            backup = await new.call("GET", "/_matrix/client/v3/room_keys/version")
            self.assertEqual(backup["count"], facts["backup_sessions"])
            keys = await new.call("POST", "/_matrix/client/v3/keys/query", {"device_keys": {facts["user_id"]: []}})
            self.assertIn(facts["user_id"], keys["master_keys"])
            self.assertIn(facts["device_id"], keys["device_keys"][facts["user_id"]])
            claimed = await new.call("POST", "/_matrix/client/v3/keys/claim", {
                "one_time_keys": {facts["user_id"]: {facts["device_id"]: "signed_curve25519"}}})
            self.assertTrue(claimed["one_time_keys"][facts["user_id"]])
            async with new.session.get(f"{new.url}/_matrix/client/v1/media/download/{self.site.name}/{facts['media_id']}",
                                       headers={"Authorization": f"Bearer {new.token}"}) as response:
                self.assertEqual((await response.read()).decode(), facts["media_text"])
            # And it goes on.
            room = next(iter(facts["rooms"]))
            sent = await new.call("PUT", new.send_path(room, "later"), matrix_api.encrypted(1))
            self.assertEqual((await new.messages(room))[-1]["event_id"], sent["event_id"])

    def test_a_newer_schema_is_refused(self):
        database = made(NEWEST, rows=False)
        database.execute("UPDATE meta SET value = ?", (str(NEWEST + 1),))
        database.execute("CREATE TABLE of_the_future (x TEXT)")
        database.commit()
        self.put(database)
        before = (self.data / "gims.db").read_bytes()
        with self.assertRaises(gimssite.supervise.Failed) as failed:
            self.site.start_gimsd()
        self.assertIn("The database was written by a newer release of this server. Install that release, or restore a backup",
                      str(failed.exception))
        with self.opened() as kept, contextlib.closing(sqlite3.connect(":memory:")) as given:
            given.deserialize(before)
            self.assertEqual(list(kept.iterdump()), list(given.iterdump()), "the database was changed")

    def test_killed_within_a_migration(self):
        seed = time.time_ns() % 1_000_000
        choose = random.Random(seed)
        print(f"seed {seed}")
        large = made(1)
        # So that migrations take longer than the start of the program, the third most of its time behind its
        # first statement.
        large.executemany("INSERT INTO device_list_changes (stream_id, user_id) VALUES (?, ?)",
                          ((1_000_000 + i, f"@user{i % 50}:gims.internal") for i in range(60_000)))
        large.executemany("INSERT INTO key_backups (user_id, version, algorithm, auth_data) VALUES (?, 1, 'a', '{}')",
                          ((f"@user{i}:gims.internal",) for i in range(1500)))
        large.executemany("INSERT INTO key_backup_sessions VALUES (?, 1, '!r', ?, 0, 0, 0, '{}')",
                          ((f"@user{i % 1500}:gims.internal", f"s{i}") for i in range(150_000)))
        large.execute("UPDATE stream_position SET position = 2000000")
        large.commit()
        self.put(large)
        found = []
        for number in range(KILLS):
            start = self.log_size(self.site.gimsd) if number else 0
            self.site.gimsd.start()
            if number % 2:  # within the third
                self.wait_for_log(self.site.gimsd, "MIGRATION=0002", start)
            time.sleep(choose.random() * (0.03 if number % 2 else 0.3))
            self.site.gimsd.kill()
            with contextlib.closing(sqlite3.connect(self.data / "gims.db")) as left:
                version = int(left.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()[0])
                self.assertEqual(objects(left), objects(made(version, rows=False)), f"a half of version {version}")
            for path in self.data.glob("gims.db-*"):
                shutil.chown(path, "gimsd", "gimsd")
            found.append(version)
            if number % 2 == 0 or version == NEWEST:  # from the beginning
                self.put(large)
        print(f"killed at versions {found}", flush=True)
        self.site.start_gimsd()
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))


if __name__ == "__main__":
    unittest.main()

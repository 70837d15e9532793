"""The audit log changed behind the server's back: it is told loudly at the next start, the entry is
named, and messages go on."""

import asyncio
import hashlib
import shutil
import sqlite3
import struct
import unittest

import matrix_api
from rig import SiteTest

OFFICERS = [f"officer{i}" for i in range(6)]  # whose accounts are the log's first entries
ALARM = "AUDIT LOG: its tail is missing or it was changed"


def entry_hash(before, sequence, ts, *texts):
    """As daemon/store/audit.hpp states it."""
    message = b"GIMS audit entry 1\n" + before + struct.pack(">qq", sequence, ts)
    for text in texts:
        message += struct.pack(">Q", len(text.encode())) + text.encode()
    return hashlib.sha256(message).digest()


def change(database):
    database.execute("UPDATE audit_log SET target = '@somebody.else:gims.internal' WHERE sequence = 3")


def delete(database):
    database.execute("DELETE FROM audit_log WHERE sequence = 2")


def cut(database):
    database.execute("DELETE FROM audit_log WHERE sequence >= 5")


def empty(database):
    database.execute("DELETE FROM audit_log")


def rewrite(database):
    """A chain in which every hash fits: another actor in the fourth entry, and all after it anew."""
    database.execute("UPDATE audit_log SET actor = 'uid 4711' WHERE sequence = 4")
    before = bytes(32)
    for sequence, *rest in database.execute(
            "SELECT sequence, ts, actor, origin, act, target, detail FROM audit_log ORDER BY sequence").fetchall():
        before = entry_hash(before, sequence, *rest)
        database.execute("UPDATE audit_log SET hash = ? WHERE sequence = ?", (before, sequence))


HARM = (
    (change, "entry 3 of the audit log, or the one before it, was changed"),
    (delete, "entry 2 of the audit log was removed"),
    (cut, "the audit log was cut off: entry 5 and those after it are missing"),
    (empty, "the audit log was cut off: entry 1 and those after it are missing"),
    (rewrite, "the audit log was written anew: entry 6 is not the one that was certified"),
)


class AuditTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.data, self.kept = self.site.folder / "gimsd", self.site.operator / "kept"
        self.passwords = {}

    def add_users(self, names):
        for name in names:
            self.passwords[name] = self.site.add_user(name)
        self.wait_for("gims-keyd to have the newest entry", self.witnessed)

    def witnessed(self):
        return "whole, and gims-keyd has its newest entry" in self.gimsctl("status")[1]

    def stop_and_keep(self):
        self.site.gimsd.stop()
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.data, self.kept)

    def put_back(self):
        """What was kept, in place of what is there."""
        self.site.gimsd.stop()
        shutil.rmtree(self.data)
        shutil.copytree(self.kept, self.data)
        for path in (self.data, *self.data.rglob("*")):
            shutil.chown(path, "gimsd", "gimsd")

    def start(self):
        """Starts gimsd; what its log had before is not looked at."""
        self.before = self.log_size(self.site.gimsd)
        self.site.start_gimsd()

    def assert_alarm(self, fault):
        self.assertIn(fault, self.wait_for_log(self.site.gimsd, ALARM, self.before))
        self.assertRegex(self.gimsctl("status")[1], f"audit: +ATTENTION: tail missing or changed: {fault}")
        self.assertEqual(self.gimsctl("audit", "verify"), (1, fault + "\n"))
        # In the unit's status too.
        self.wait_for("the unit's status", lambda: any(state.startswith("STATUS=AUDIT LOG") for state in self.site.gimsd.states))

    def assert_whole(self, entries):
        self.wait_for("gims-keyd to agree", self.witnessed)
        self.assertEqual(self.gimsctl("audit", "verify"), (0, f"the audit log is whole: {entries} entries\n"))
        self.assertNotIn(ALARM, self.site.gimsd.log.read_text()[self.before:])

    def assert_messages_go_on(self):
        async def exchange():
            async with matrix_api.together([self.client(), self.client()]) as (one, other):
                for client, name in zip((one, other), OFFICERS):
                    await client.login(name, self.passwords[name])
                room = await one.create_room(preset="private_chat", invite=[other.user_id])
                await other.join(room)
                since = (await other.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
                sent = await one.call("PUT", one.send_path(room, "t"), matrix_api.encrypted(1))
                news = await other.call("GET", "/_matrix/client/v3/sync", since=since, timeout=30000)
                events = news["rooms"]["join"][room]["timeline"]["events"]
                self.assertIn(sent["event_id"], [event["event_id"] for event in events])
        asyncio.run(exchange())

    def test_entries_changed_behind_its_back(self):
        self.add_users(OFFICERS)
        self.stop_and_keep()
        for harm, fault in HARM:
            with self.subTest(harm.__name__):
                database = sqlite3.connect(self.data / "gims.db")
                harm(database)
                database.commit()
                database.close()
                for path in self.data.iterdir():
                    shutil.chown(path, "gimsd", "gimsd")
                self.start()
                self.assert_alarm(fault)
                self.assert_messages_go_on()
                # Acts are still entered, but are not witnessed: that would cover the harm up.
                self.assertEqual(self.gimsctl("user", "lock", OFFICERS[5])[0], 0)
                self.assertEqual(self.gimsctl("audit", "verify")[0], 1)
            self.put_back()
        # gims-keyd took none of that for the log: what was kept is whole, to it too.
        self.start()
        self.assert_whole(len(OFFICERS))

    def test_an_older_database_put_back(self):
        self.add_users(OFFICERS[:3])
        self.stop_and_keep()
        self.start()
        self.assert_whole(3)
        self.add_users(OFFICERS[3:])
        self.put_back()
        self.start()
        self.assert_alarm("the audit log was cut off: entry 4 and those after it are missing")
        self.assert_messages_go_on()
        # New entries in the place of the lost ones do not make it whole, nor does another start.
        for name in ("another", "second", "third", "fourth"):
            self.site.add_user(name)
        self.site.gimsd.stop()
        self.start()
        self.assert_alarm("the audit log was written anew: entry 6 is not the one that was certified")


if __name__ == "__main__":
    unittest.main()

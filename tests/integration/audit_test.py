"""The audit log changed behind the server's back: it is told loudly at the next start, the entry is
named, and messages go on. A database that is older than the newest is not served until the recovery quorum accepts it."""

import asyncio
import contextlib
import hashlib
import shutil
import sqlite3
import struct
import unittest

import keyd_peer
import matrix_api
from rig import SiteTest, gimssite

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

    def witnessed_entry(self):
        """The number of the newest entry that gims-keyd knows."""
        with keyd_peer.Peer(self.site.run / "keyd/socket") as peer:
            kind, body = peer.ask("audit_head")
        self.assertEqual(kind, keyd_peer.REPLY)
        return struct.unpack_from(">Q", body)[0]

    def stop_and_keep(self):
        self.site.gimsd.stop()
        shutil.copytree(self.data, self.kept)

    def put_back(self):
        """The database that was kept, in place of what is there."""
        self.site.gimsd.stop()
        shutil.rmtree(self.data)
        shutil.copytree(self.kept, self.data)
        self.give_to_gimsd()

    def give_to_gimsd(self):
        for path in (self.data, *self.data.rglob("*")):
            shutil.chown(path, "gimsd", "gimsd")

    def start(self):
        """Starts gimsd; what its log had before is not looked at."""
        self.before = self.log_size(self.site.gimsd)
        self.site.start_gimsd()

    def assert_not_served(self, reason):
        with self.assertRaisesRegex(gimssite.supervise.Failed, "gimsd"):
            self.start()
        self.assertRegex(self.site.keyd_status(), f"^locked: The database.* {reason}")

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
        self.keep_custody()
        for harm, fault in HARM:
            with self.subTest(harm.__name__):
                database = sqlite3.connect(self.data / "gims.db")
                harm(database)
                database.commit()
                database.close()
                self.give_to_gimsd()
                self.start()
                self.assert_alarm(fault)
                self.assert_messages_go_on()
                # Acts are still entered, but are not witnessed: that would cover the harm up.
                self.assertEqual(self.gimsctl("user", "lock", OFFICERS[5])[0], 0)
                self.assertEqual(self.gimsctl("audit", "verify")[0], 1)
                self.assertEqual(self.witnessed_entry(), len(OFFICERS))
            self.put_back()
            self.put_back_custody()
        self.start()
        self.assert_whole(len(OFFICERS))

    def test_a_log_that_was_cut(self):
        """As a database put back whose log ended earlier: gimsd does not serve."""
        self.add_users(OFFICERS)
        self.stop_and_keep()
        for first_lost in (5, 1):
            with self.subTest(first_lost=first_lost):
                with contextlib.closing(sqlite3.connect(self.data / "gims.db")) as database, database:
                    database.execute("DELETE FROM audit_log WHERE sequence >= ?", (first_lost,))
                self.give_to_gimsd()
                self.assert_not_served(f"ends with entry {first_lost - 1}, and it had entry {len(OFFICERS)} before")
            self.put_back()
            self.assert_keyd("unlock")
        self.start()
        self.assert_whole(len(OFFICERS))

    def test_an_older_database_put_back(self):
        self.add_users(OFFICERS[:3])
        self.stop_and_keep()
        self.start()
        self.assert_whole(3)
        self.add_users(OFFICERS[3:])
        self.put_back()
        # It is not served, however often it is tried, and not unlocked either.
        for _ in range(2):
            self.assert_not_served("ends with entry 3, and it had entry 6 before: an older copy of it was put back")
            self.assert_keyd("unlock")
        with self.assertRaisesRegex(gimssite.supervise.Failed, "gimsd"):
            self.start()
        # The quorum decides; what gims-keyd knew is in its journal.
        journal = self.log_size(self.site.keyd)
        self.assert_keyd("accept-older", "--shares-from", self.site.shares_file)
        self.assertIn("SEQUENCE=6", self.wait_for_log(self.site.keyd, "accepted as the newest", journal))
        self.start()
        self.assert_whole(3)
        self.assert_messages_go_on()


if __name__ == "__main__":
    unittest.main()

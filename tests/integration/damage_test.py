"""Pages of the database that are not what was written: gimsd says so at its start, or when it meets them, or
`gimsctl check --full` finds them; each says what to do."""

import asyncio
import contextlib
import os
import random
import shutil
import sqlite3
import time

import matrix_api
import rig
from rig import SiteTest

FLIPS = int(os.environ.get("GIMS_FLIPS", "8"))  # tables and indexes of which a page is damaged; 0: all
WHAT_TO_DO = ("administrator's guide", "A damaged database")


class DamageTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.database = self.site.folder / "gimsd/gims.db"
        asyncio.run(self.fill())
        self.stop()
        self.keep_custody()
        self.good = self.database.with_name("good")
        shutil.copy2(self.database, self.good)

    async def fill(self):
        names = ["desk.officer", "clerk"]
        passwords = [self.site.add_user(name) for name in names]
        async with matrix_api.together([self.client(), self.client()]) as (one, other):
            await one.login(names[0], passwords[0], "PHONE")
            await other.login(names[1], passwords[1])
            self.password = passwords[0]
            keys = matrix_api.DeviceKeys(one.user_id, one.device_id)
            await one.call("POST", "/_matrix/client/v3/keys/upload", {
                "device_keys": keys.device_keys(), "one_time_keys": keys.one_time_keys(0, 50)})
            self.room = await one.create_room(preset="private_chat", invite=[other.user_id])
            await other.join(self.room)
            for first in range(0, 240, 40):
                await asyncio.gather(*(one.call("PUT", one.send_path(self.room, f"t{i}"), matrix_api.encrypted(i))
                                       for i in range(first, first + 40)))
            await one.call("PUT", f"/_matrix/client/v3/user/{one.user_id}/account_data/gims.test", {"a": "b" * 3000})

    def stop(self):
        self.assertEqual(self.site.gimsd.stop(), 0)
        self.assertFalse(self.database.with_name("gims.db-wal").exists(), "the log was not emptied at the stop")

    def flip(self, at, bit=1):
        with open(self.database, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ bit]))

    def restore(self):
        for more in ("-wal", "-shm"):
            self.database.with_name(f"gims.db{more}").unlink(missing_ok=True)
        self.database.write_bytes(self.good.read_bytes())
        self.put_back_custody()

    def pages(self):
        """(table or index, page number from 1, kind of page)."""
        with contextlib.closing(sqlite3.connect(f"file:{self.good}?mode=ro&immutable=1", uri=True)) as connection:
            self.page_size, = connection.execute("PRAGMA page_size").fetchone()
            return connection.execute("SELECT name, pageno, pagetype FROM dbstat WHERE pageno > 1").fetchall()

    def found(self):
        """Where the damage was noticed, and the text: at the start, or by the check."""
        start = self.log_size(self.site.gimsd)
        try:
            self.site.start_gimsd()
        except rig.gimssite.supervise.Failed:
            return "start", self.site.gimsd.log.read_text(errors="replace")[start:]
        status, text = self.gimsctl("check", "--full")
        self.site.gimsd.kill()  # so that nothing of what is damaged is written back
        return ("check" if status == 1 else None), text

    def test_damage(self):
        """One site for all, put right after each."""
        for part in (self.a_file_that_is_cut_or_none, self.a_bit_of_a_message, self.met_while_it_serves,
                     self.a_page_of_each_table_and_index):
            with self.subTest(part.__name__):
                part()
            self.site.gimsd.kill()
            self.restore()
        self.assertEqual(self.found(), (None, "the store is sound\n"))

    def a_page_of_each_table_and_index(self):
        seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed} (GIMS_SEED)")
        choose = random.Random(seed)
        of = {}
        for name, page, kind in self.pages():
            of.setdefault(name, []).append((page, kind))
        names = sorted(of)
        noticed = {"start": 0, "check": 0}
        for name in names if FLIPS == 0 else choose.sample(names, FLIPS):
            page, kind = choose.choice(of[name])
            # The kind of a page, how many cells it has, where they begin: or what is in a page of overflow.
            at = (page - 1) * self.page_size + (choose.choice((0, 3, 4, 5, 6)) if kind != "overflow" else choose.randrange(4))
            bit = 1 << choose.randrange(8)
            with self.subTest(of=name, page=page, kind=kind, at=at, bit=bit):
                self.flip(at, bit)
                where, text = self.found()
                self.assertIsNotNone(where, f"nobody noticed: {text}")
                noticed[where] += 1
                for words in WHAT_TO_DO:
                    self.assertIn(words, text)
            self.restore()
        print(f"noticed {noticed}", flush=True)

    def a_bit_of_a_message(self):
        at = self.good.read_bytes().find(b"AwgA00000123")
        self.flip(at + 5)
        self.site.start_gimsd()
        self.assertEqual(self.gimsctl("check"), (0, "the store is sound\n"))
        status, text = self.gimsctl("check", "--full")
        self.assertEqual(status, 1)
        self.assertRegex(text, r"the event \$\S+ at position \d+ has a content that is not what was hashed")
        for words in WHAT_TO_DO:
            self.assertIn(words, text)
        self.assertRegex(self.gimsctl("status")[1], r"DAMAGED: +the event \$\S+ .*gimsctl check --full")
        self.wait_for("the unit's status", lambda: any("STATUS=DAMAGED" in state for state in self.site.gimsd.states))

    def met_while_it_serves(self):
        # A page in the middle of the messages: its number is of no b-tree any more.
        leaves = [page for name, page, kind in self.pages() if name == "events" and kind == "leaf"]
        middle = leaves[len(leaves) // 2]
        self.flip((middle - 1) * self.page_size, 0xff)
        start = self.log_size(self.site.gimsd)
        self.site.start_gimsd()
        self.assertNotIn("DAMAGED", self.gimsctl("status")[1])

        async def scenario():
            async with self.client() as officer:
                await officer.login("desk.officer", self.password)
                refused = []
                for _ in range(3):
                    status, answer = await officer.raw(
                        "GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(self.room)}/messages", dir="b", limit=500)
                    refused.append((status, answer["errcode"], answer["error"]))
                self.assertEqual(set(refused), {
                    (503, "M_UNKNOWN", "The server's database is damaged. Nothing was stored; tell the administrator.")})
                # What does not need the page goes on.
                await officer.call("GET", "/_matrix/client/v3/joined_rooms")
                await officer.call("PUT", officer.send_path(self.room, "after"), matrix_api.encrypted(1000))
                newest = await officer.call("GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(self.room)}/messages", dir="b")
                self.assertEqual(newest["chunk"][0]["content"]["gims.counter"], 1000)
        asyncio.run(scenario())
        self.wait_for_log(self.site.gimsd, "The database is damaged: run 'gimsctl check --full'")
        self.assertEqual(self.site.gimsd.log.read_text()[start:].count("The database is damaged:"), 1)
        self.assertRegex(self.gimsctl("status")[1], r"DAMAGED: +SQLite 11 .*gimsctl check --full")
        status, text = self.gimsctl("check")
        self.assertEqual(status, 1)
        # A good copy of the file cures it.
        self.site.gimsd.kill()
        self.restore()
        self.site.start_gimsd()
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))
        self.assertNotIn("DAMAGED", self.gimsctl("status")[1])

    def a_file_that_is_cut_or_none(self):
        for damage in (lambda data: data[:len(data) // 2], lambda data: b"x" * 16 + data[16:], lambda data: data[:50]):
            self.database.write_bytes(damage(self.good.read_bytes()))
            where, text = self.found()
            self.assertEqual(where, "start")
            for words in WHAT_TO_DO:
                self.assertIn(words, text)
            kept = self.database.read_bytes()
            self.assertEqual(kept, damage(self.good.read_bytes()), "the file was changed")


if __name__ == "__main__":
    rig.unittest.main()

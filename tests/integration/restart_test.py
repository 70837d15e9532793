"""gims-tlsd or gims-keyd started anew, also after a crash, while gimsd goes on: it keeps its state, and
officers notice at most that they have to connect again."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import unittest
from pathlib import Path

import matrix_api
from rig import SiteTest


class RestartTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.acknowledged = []  # (number, event id), in order

    def connections(self):
        text = self.gimsctl("--json", "status")[1]
        return int(text.split('"connections":')[1].split(",")[0])

    def assert_gimsd_went_on(self):
        self.assertEqual(self.site.dead(), [])
        self.assertEqual(self.site.gimsd.log.read_text().count("started SERVER_NAME="), 1)

    def test_tls_front(self):
        self.alone = self.connections()  # gimsctl itself
        passwords = [self.site.add_user(name) for name in ("one", "other")]

        async def scenario():
            async with matrix_api.together([self.client(), self.client()]) as (one, other):
                await one.login("one", passwords[0])
                await other.login("other", passwords[1])
                room = await one.create_room(preset="private_chat", invite=[other.user_id])
                await other.join(room)
                self.since = (await other.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
                # With warning and without.
                for number, end in enumerate((self.site.tlsd.stop, self.site.tlsd.kill)):
                    await self.front_ends(end, number, room, one, other)
                await self.assert_all_there(room, other)
        asyncio.run(scenario())

    async def front_ends(self, end, number, room, one, other):
        cut = asyncio.create_task(self.sync(other))
        await asyncio.to_thread(self.wait_for, "the long poll", lambda: self.connections() > self.alone)
        await asyncio.to_thread(end)
        with self.assertRaises((OSError, matrix_api.aiohttp.ClientError)):
            await cut
        with self.assertRaises(OSError):
            await one.call("GET", "/_matrix/client/v3/account/whoami")
        # gimsd keeps nothing of clients that are gone.
        await asyncio.to_thread(self.wait_for, "the connections' end", lambda: self.connections() == self.alone)

        await asyncio.to_thread(self.site.start_tlsd)
        poll = asyncio.create_task(self.sync(other))
        answer = await self.send(room, one, number)
        news = await poll
        self.assertEqual([event["event_id"] for event in news["rooms"]["join"][room]["timeline"]["events"]], [answer["event_id"]])
        self.since = news["next_batch"]
        self.assert_gimsd_went_on()

    async def send(self, room, client, number):
        answer = await client.call("PUT", client.send_path(room, f"t{number}"), matrix_api.encrypted(number))
        self.acknowledged.append((number, answer["event_id"]))
        return answer

    async def assert_all_there(self, room, client):
        """Everything acknowledged, once, in order, also when gimsd has read it from its disk anew."""
        for _ in range(2):
            events = [event for event in await client.messages(room) if event["type"] == "m.room.encrypted"]
            self.assertEqual([(event["content"]["gims.counter"], event["event_id"]) for event in events], self.acknowledged)
            await asyncio.to_thread(self.site.gimsd.stop)
            await asyncio.to_thread(self.site.start_gimsd)
            await client.persistently("GET", "/_matrix/client/v3/joined_rooms")
        print(f"{len(self.acknowledged)} events acknowledged: all there, once", flush=True)

    def test_gimsd_is_not_there_before_its_store_is_open(self):
        """However long that takes: gims-tlsd finds nobody, and refuses clients rather than let them wait."""
        self.site.tlsd.stop()
        self.site.gimsd.stop()
        intake = self.site.run / "gimsd/connections"
        with contextlib.closing(sqlite3.connect(self.site.folder / "gimsd/gims.db", isolation_level=None)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            self.site.gimsd.start()
            self.wait_for("the socket", intake.exists)
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer, self.assertRaises(ConnectionRefusedError):
                peer.connect(str(intake))
            self.assertTrue(self.site.gimsd.running())
            self.site.tlsd.start()
            told = self.wait_for_log(self.site.tlsd, "Waiting, not listening: gimsd is not there")
            self.assertIn("ERRCODE=ECONNREFUSED", told)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.site.port))
        self.site.gimsd.wait_until_ready()
        self.site.tlsd.wait_until_ready()
        socket.create_connection(("127.0.0.1", self.site.port)).close()

    def test_nobody_waits_for_a_custodian_that_hangs(self):
        """gims-tlsd and gimsd are asked to end while gims-keyd, which they wait for at their start, does not answer."""
        self.site.tlsd.stop()
        self.site.gimsd.stop()
        os.kill(self.site.keyd.child.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, self.site.keyd.child.pid, signal.SIGCONT)
        for process in (self.site.tlsd, self.site.gimsd):
            process.start()
            # Only who asks has a socket of that kind.
            self.wait_for(f"{process.name} to ask", lambda process=process: self.asks(process))
            self.assertEqual(process.stop(seconds=15), 0, process.name)

    def asks(self, process):
        """Whether it has a connection to gims-keyd: by the inode of a socket in /proc/net/unix that is connected and of
        the type SOCK_SEQPACKET (5)."""
        seqpacket = {f"socket:[{words[6]}]" for line in Path("/proc/net/unix").read_text().splitlines()[1:]
                     if (words := line.split())[4] == "0005" and words[5] == "03"}
        for descriptor in Path(f"/proc/{process.child.pid}/fd").iterdir():
            # The process closes descriptors while they are listed.
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(descriptor) in seqpacket:
                    return True
        return False

    async def sync(self, client):
        return await client.call("GET", "/_matrix/client/v3/sync", since=self.since, timeout=50000)

    def test_key_custodian(self):
        password = self.site.add_user("one")
        self.wait_for_audit("whole, and gims-keyd has its newest entry")

        async def scenario():
            async with self.client() as one:
                await one.login("one", password)
                room = await one.create_room(preset="private_chat")
                for number, end in enumerate((self.site.keyd.stop, self.site.keyd.kill)):
                    await asyncio.to_thread(end)
                    # Messages need no custodian, nor do administrators; both are told that it is away.
                    await self.send(room, one, 2 * number)
                    other = await asyncio.to_thread(self.site.add_user, f"other{number}")
                    async with self.client() as new:
                        await new.login(f"other{number}", other)
                    self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +not reached")
                    await asyncio.to_thread(self.wait_for_audit, "whole; gims-keyd cannot take its newest entries now")
                    self.assertNotEqual(self.gimsctl("audit", "verify")[0], 0)

                    await asyncio.to_thread(self.site.start_keyd)
                    self.assertRegex(self.gimsctl("status")[1], "gims-keyd: +operational")
                    # What it missed, it is told.
                    await asyncio.to_thread(self.wait_for_audit, "whole, and gims-keyd has its newest entry")
                    self.assertEqual(self.gimsctl("audit", "verify"), (0, f"the audit log is whole: {number + 2} entries\n"))
                    await self.send(room, one, 2 * number + 1)
                    self.assert_gimsd_went_on()
                await self.assert_all_there(room, one)
        asyncio.run(scenario())

    def wait_for_audit(self, text):
        self.wait_for(f"'{text}'", lambda: text in self.gimsctl("status")[1])


if __name__ == "__main__":
    unittest.main()

"""More clients than descriptors: those who are in go on, newcomers wait or are turned away, nothing spins, the
journal says it once, and when clients leave the others come in."""

import asyncio
import os
import resource
import socket
import ssl
import subprocess
import unittest
from pathlib import Path

import matrix_api
from rig import SiteTest

CROWD = 300  # connections that somebody opens and keeps


class CrowdTest(SiteTest):
    def setUp(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        super().setUp()

    def limit(self, process, more):
        """From now on it may open so many more descriptors than it has."""
        pid = process.child.pid
        # The numbers count, not how many there are.
        highest = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        self.set_limit(process, highest + 1 + more)

    def lift(self, process):
        self.set_limit(process, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def set_limit(self, process, files):
        # As its own user, who needs no privilege for that.
        subprocess.run(["prlimit", "--pid", str(process.child.pid), f"--nofile={files}:"], user=process.user, group=process.user,
                       check=True)

    def crowd(self, count=CROWD):
        """Connections by many addresses, so that none is over the limit of one."""
        made = []
        for number in range(count):
            one = socket.socket()
            one.settimeout(60)
            one.bind((f"127.0.{1 + number // 100}.{1 + number % 100}", 0))
            one.connect(("127.0.0.1", self.site.port))
            made.append(one)
        return made

    def turns(self, process):
        """How often its threads have gone to sleep: each turn of a loop that spins would count."""
        total = 0
        for task in Path(f"/proc/{process.child.pid}/task").iterdir():
            status = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            total += int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
        return total

    def cpu(self, process):
        fields = Path(f"/proc/{process.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def officers(self):
        passwords = {name: self.site.add_user(name) for name in ("one", "other")}
        one, other = self.client(), self.client()
        for officer, name in ((one, "one"), (other, "other")):
            # One connection each, that is kept: who is in.
            await officer.login(name, passwords[name])
        room = await one.create_room(preset="private_chat", invite=[other.user_id])
        await other.join(room)
        self.since = (await other.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
        self.sent = []
        return one, other, room

    async def work(self, one, other, room, messages=20):
        """Messages of one, each got by the other's long poll; whatever the crowd does."""
        for _ in range(messages):
            number = len(self.sent)
            poll = asyncio.create_task(other.call("GET", "/_matrix/client/v3/sync", since=self.since, timeout=50_000))
            answer = await one.call("PUT", one.send_path(room, f"t{number}"), matrix_api.encrypted(number))
            self.sent.append(answer["event_id"])
            news = await poll
            self.assertEqual([event["event_id"] for event in news["rooms"]["join"][room]["timeline"]["events"]], [self.sent[-1]])
            self.since = news["next_batch"]

    async def check(self, reader, room):
        events = [event["event_id"] for event in await reader.messages(room) if event["type"] == "m.room.encrypted"]
        self.assertEqual(events, self.sent)

    def run_under(self, process, told, harm):
        async def scenario():
            one, other, room = await self.officers()
            async with matrix_api.together([one, other]):
                await self.work(one, other, room, 5)
                self.limit(process, 20)
                start, turns, cpu = self.log_size(process), self.turns(process), self.cpu(process)
                crowd = await asyncio.to_thread(harm)
                line = await asyncio.to_thread(self.wait_for_log, process, told, start)
                self.assertIn("Too many open files", line)
                await self.work(one, other, room, 80)  # longer than the pauses between two tries
                log = process.log.read_text(errors="replace")[start:]
                turns = self.turns(process) - turns
                print(f"{process.name}: {turns} turns and {self.cpu(process) - cpu:.2f} s of CPU for "
                      f"{len(self.sent)} messages beside {len(crowd)} connections; {len(log.splitlines())} lines in the journal",
                      flush=True)
                self.assertEqual(log.count(told), 1, log[-2000:])
                self.assertLess(turns, 400 * len(self.sent), "a loop spins")
                self.assertLess(len(log.splitlines()), 10, log[-2000:])
                for connection in crowd:
                    connection.close()
                # Room again, with the limit as it is: who comes now is served.
                async with self.client() as new:
                    new.token = one.token
                    await new.persistently("GET", "/_matrix/client/v3/account/whoami")
                await self.check(one, room)
                self.assertEqual(self.site.dead(), [])
                self.lift(process)
        asyncio.run(scenario())

    def test_the_front_has_none_left(self):
        self.run_under(self.site.tlsd, "No more connections can be accepted for now.", self.crowd)

    def test_gimsd_has_none_left(self):
        def strangers():
            """Whole handshakes: each is handed over to gimsd, or was to be."""
            context = ssl.create_default_context(cafile=self.site.ca)
            made = []
            for connection in self.crowd(60):
                made.append(context.wrap_socket(connection, server_hostname="127.0.0.1"))
            return made
        self.run_under(self.site.gimsd, "A connection of gims-tlsd cannot be taken.", strangers)

    def test_a_small_limit_from_the_start(self):
        """LimitNOFILE= below what is configured: as many connections are taken as it has room for."""
        self.site.tlsd.stop()
        self.site.gimsd.stop()
        for process in (self.site.gimsd, self.site.tlsd):
            process.argv = ["prlimit", "--nofile=320:320", *process.argv]
        self.site.start_gimsd()
        self.site.start_tlsd()
        for process in (self.site.gimsd, self.site.tlsd):
            self.assertIn("The limit on open files is below what", process.log.read_text())

        async def scenario():
            one, other, room = await self.officers()
            async with matrix_api.together([one, other]):
                crowd = await asyncio.to_thread(self.crowd)
                await self.work(one, other, room)
                for connection in crowd:
                    connection.close()
                async with self.client() as new:
                    new.token = one.token
                    await new.persistently("GET", "/_matrix/client/v3/account/whoami")
                await self.check(one, room)
        asyncio.run(scenario())
        for process in (self.site.gimsd, self.site.tlsd):
            self.assertNotIn("Too many open files", process.log.read_text())


if __name__ == "__main__":
    unittest.main()

"""Memory runs out. Where the kernel kills gimsd at the limit of its cgroup, a restart has everything that was
acknowledged, once; where an allocation is refused, what needs it is refused and the rest goes on."""

import asyncio
import re
import subprocess
import time
import unittest
from pathlib import Path

import cgroup
import matrix_api
from rig import SiteTest

SENDERS = 4
KILLS = 3
MIB = 1 << 20


class MemoryTest(SiteTest):
    started = False

    def size(self, field="VmRSS"):
        status = Path(f"/proc/{self.site.gimsd.child.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024

    def test_killed_at_the_limit(self):
        try:
            self.limit = cgroup.MemoryLimit(self.site.gimsd, "gimsd")
        except cgroup.Unavailable as why:
            self.skipTest(f"no cgroup can be made here: {why}")
        self.addCleanup(self.limit.remove)
        self.addCleanup(self.site.stop)
        self.site.start()
        asyncio.run(self.scenario())

    async def scenario(self):
        names = [f"officer{i}" for i in range(SENDERS)]
        self.passwords = {name: self.site.add_user(name) for name in names}
        self.acknowledged, self.over = {}, asyncio.Event()
        async with matrix_api.together([self.client() for _ in names]) as senders:
            for sender, name in zip(senders, names):
                await sender.login(name, self.passwords[name])
            room = await senders[0].create_room(preset="private_chat", invite=[sender.user_id for sender in senders[1:]])
            for sender in senders[1:]:
                await sender.join(room)
            tasks = [asyncio.create_task(self.send(sender, room)) for sender in senders]
            for number in range(1, KILLS + 1):
                await self.until_killed(number)
            self.over.set()
            await asyncio.gather(*tasks)
            events = [event for event in await senders[0].messages(room) if event["type"] == "m.room.encrypted"]
            found = {(event["sender"], event["content"]["gims.counter"]): event["event_id"] for event in events}
            self.assertEqual(len(events), len(found), "an event is there twice")
            self.assertEqual(found, self.acknowledged)
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))
        print(f"{len(found)} events acknowledged, {self.limit.kills()} kills for want of memory: all there, none twice", flush=True)

    async def send(self, sender, room):
        counter = 0
        while not self.over.is_set():
            answer = await sender.persistently("PUT", sender.send_path(room, f"t{counter}"), matrix_api.encrypted(counter))
            self.acknowledged[sender.user_id, counter] = answer["event_id"]
            counter += 1

    async def until_killed(self, number):
        """Officers sign in until two passwords are hashed at once, for which there is no room. Then, as systemd would,
        a restart."""
        goal = len(self.acknowledged) + 30
        while len(self.acknowledged) < goal:
            await asyncio.sleep(0.01)
        self.limit.set(self.size() + 16 * MIB)
        signing_in = [asyncio.create_task(self.sign_in(name)) for name in list(self.passwords) * 2]
        await asyncio.to_thread(self.wait_for, "the kill", lambda: not self.site.gimsd.running())
        self.assertEqual(self.site.gimsd.ending(), "signal SIGKILL")
        self.assertEqual(self.limit.kills(), number)
        for task in signing_in:
            task.cancel()
        await asyncio.gather(*signing_in, return_exceptions=True)
        self.limit.lift()
        self.site.gimsd.stop()  # takes notice of its end
        await asyncio.to_thread(self.site.start_gimsd)

    async def sign_in(self, name):
        async with self.client() as client:
            while True:
                try:
                    await client.login(name, self.passwords[name])
                except (matrix_api.aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.02)

    def test_refused_by_the_kernel(self):
        """No more than a little for all of it: a password cannot be hashed, and messages go on."""
        self.site.start()
        password = self.site.add_user("officer")

        async def scenario():
            async with matrix_api.together([self.client(), self.client()]) as (officer, late):
                await officer.login("officer", password)
                room = await officer.create_room(preset="private_chat")
                await officer.call("PUT", officer.send_path(room, "t0"), matrix_api.encrypted(0))
                self.limit_data(self.size("VmData") + 8 * MIB)
                status, answer = await late.raw("POST", "/_matrix/client/v3/login", {
                    "type": "m.login.password", "password": password, "identifier": {"type": "m.id.user", "user": "officer"}})
                self.assertEqual((status, answer.get("errcode")), (503, "M_UNKNOWN"), answer)
                for number in range(1, 50):
                    await officer.call("PUT", officer.send_path(room, f"t{number}"), matrix_api.encrypted(number))
                self.limit_data("unlimited")
                await late.login("officer", password)
                events = [event for event in await late.messages(room) if event["type"] == "m.room.encrypted"]
                self.assertEqual([event["content"]["gims.counter"] for event in events], list(range(50)))
        asyncio.run(scenario())
        self.assertEqual(self.site.dead(), [])

    def limit_data(self, size):
        user = self.site.gimsd.user
        subprocess.run(["prlimit", "--pid", str(self.site.gimsd.child.pid), f"--data={size}:"], user=user, group=user, check=True)


if __name__ == "__main__":
    unittest.main()

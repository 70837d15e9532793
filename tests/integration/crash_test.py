"""Each daemon killed with -9 at random moments under load, also while it starts, also all at once: no
acknowledged event is lost, none is there twice, the order is kept, no one-time key is given out twice, and
the audit log has every act once. What clients see meanwhile is what the design says."""

import asyncio
import contextlib
import http.client
import json
import os
import random
import socket
import time
import unittest
from collections import Counter
from pathlib import Path

import matrix_api
from acknowledged import Ack, check_timeline, counted
from line import Line
from rig import SiteTest

KILLS = int(os.environ.get("GIMS_KILLS", "30"))  # of each daemon alone; a third as many of all at once
DAEMONS = ("gims-keyd", "gimsd", "gims-tlsd")  # in the order of their start
SENDERS = 4
CLAIMERS = 2
KEY_OWNERS = 4  # devices whose keys are claimed
KEYS = 200  # of each at a time


class CrashTest(SiteTest):
    def options(self):
        # Not one that the kernel gives to connections: while gims-tlsd is away, a client that tries again
        # and again would sooner or later be connected to itself.
        ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        while True:
            port = random.randrange(10_000, ephemeral)
            with socket.socket() as probe, contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return {"port": port}

    def test_kill_under_load(self):
        seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        self.random = random.Random(seed)
        print(f"seed {seed} (GIMS_SEED)", flush=True)
        asyncio.run(self.scenario())

    async def scenario(self):
        names = [f"officer{i}" for i in range(SENDERS)]
        passwords = {name: self.site.add_user(name) for name in names}
        self.stop = asyncio.Event()
        self.acknowledged = asyncio.Condition()
        self.acks = []
        self.claimed = []  # (device, key id), as they were given out
        self.gaps = 0  # that /sync left to /messages
        self.seen = {}  # room -> event ids in the order in which /sync gave them
        self.added = []  # accounts that gimsctl said it made
        self.kills = Counter()

        async with matrix_api.together([self.client() for _ in range(SENDERS + CLAIMERS + KEY_OWNERS + 1)]) as clients:
            senders, claimers = clients[:SENDERS], clients[SENDERS:SENDERS + CLAIMERS]
            owners, watcher = clients[-KEY_OWNERS - 1:-1], clients[-1]
            for sender, name in zip(senders, names):
                await sender.login(name, passwords[name])
            for device in (*claimers, *owners, watcher):
                await device.login(names[0], passwords[names[0]])

            rooms = []
            for creator in senders[:2]:
                others = [sender.user_id for sender in senders if sender is not creator]
                room = await creator.create_room(preset="private_chat", invite=others)
                for other in senders:
                    if other is not creator:
                        await other.join(room)
                rooms.append(room)
            for owner in owners:
                await self.upload_keys(owner)

            start = await watcher.call("GET", "/_matrix/client/v3/sync")
            tasks = [asyncio.create_task(task) for task in (
                *(self.send(sender, rooms) for sender in senders),
                *(self.claim(claimer, owners) for claimer in claimers),
                self.watch(watcher, start["next_batch"]),
                self.administer())]
            self.token = watcher.token
            try:
                await self.kill_again_and_again(tasks)
            finally:
                self.stop.set()
                await asyncio.gather(*tasks)
            # Of the gap they see that there is no server, or a broken connection; never a refusal, nor silence.
            troubles = sum((client.troubles for client in clients), Counter())
            print(f"clients met: {dict(troubles)}", flush=True)
            self.assertEqual([kind for kind in troubles if isinstance(kind, int) or "Timeout" in kind], [])
            await self.check(watcher, rooms)
            await asyncio.to_thread(self.check_audit)

    async def upload_keys(self, owner):
        owner.keys = matrix_api.DeviceKeys(owner.user_id, owner.device_id)
        owner.uploaded, owner.uploading = 0, asyncio.Lock()
        await owner.call("POST", "/_matrix/client/v3/keys/upload", {"device_keys": owner.keys.device_keys()})
        await self.upload_more(owner)

    async def upload_more(self, owner):
        """Repeated where the answer was lost, also after some of them were claimed."""
        for _ in range(2):
            keys = owner.keys.one_time_keys(owner.uploaded, KEYS // 2)
            await owner.persistently("POST", "/_matrix/client/v3/keys/upload", {"one_time_keys": keys})
            owner.uploaded += len(keys)

    async def send(self, sender, rooms):
        counter = 0
        while not self.stop.is_set():
            room = rooms[counter % len(rooms)]
            sent = time.monotonic()
            # The same transaction until it is acknowledged: whether it was committed before the kill, the
            # sender cannot know, and a repetition is harmless.
            answer = await sender.persistently("PUT", sender.send_path(room, f"t{counter}"), matrix_api.encrypted(counter))
            async with self.acknowledged:
                self.acks.append(Ack(sent, time.monotonic(), room, sender.user_id, counter, answer["event_id"]))
                self.acknowledged.notify_all()
            counter += 1

    async def claim(self, claimer, owners):
        turn = 0
        while not self.stop.is_set():
            owner = owners[turn % len(owners)]
            wanted = {"one_time_keys": {owner.user_id: {owner.device_id: "signed_curve25519"}}}
            uploaded = owner.uploaded
            answer = await claimer.persistently("POST", "/_matrix/client/v3/keys/claim", wanted)
            given = answer["one_time_keys"].get(owner.user_id, {}).get(owner.device_id)
            self.claimed += [(owner.device_id, key) for key in given or {}]
            if given:
                continue
            turn += 1
            async with owner.uploading:
                if owner.uploaded == uploaded:  # the other claimer has not seen to it
                    await self.upload_more(owner)

    async def watch(self, watcher, since):
        while True:
            stopping = self.stop.is_set()
            answer = await watcher.persistently("GET", "/_matrix/client/v3/sync", since=since, timeout=1000)
            for room, joined in answer.get("rooms", {}).get("join", {}).items():
                timeline = joined["timeline"]
                gap = await self.gap(watcher, room, timeline["prev_batch"], since) if timeline.get("limited") else []
                self.seen.setdefault(room, []).extend(event["event_id"] for event in gap + timeline["events"])
            since = answer["next_batch"]
            if stopping and not answer.get("rooms", {}).get("join"):
                return

    async def gap(self, watcher, room, end, start):
        """What a limited timeline left out, as a client fetches it: back from its beginning to the last sync."""
        events, place = [], end
        while place:
            answer = await watcher.persistently("GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(room)}/messages",
                                                dir="b", to=start, limit=100, **{"from": place})
            events += answer["chunk"]
            place = answer.get("end")
        self.gaps += 1
        return events[::-1]

    async def administer(self):
        """Accounts are made, one after the other; of those whose answer was lost, nobody knows."""
        number = 0
        while not self.stop.is_set():
            name = f"clerk{number}"
            status, text = await asyncio.to_thread(self.gimsctl, "user", "add", name, input="a password of some length")
            self.assertIn(status, (0, 3), text)
            if status == 0:
                self.added.append(name)
            number += 1
            await asyncio.sleep(0.05)

    async def kill_again_and_again(self, tasks):
        turns = [(name,) for name in DAEMONS] * KILLS + [DAEMONS] * (KILLS // 3)
        self.random.shuffle(turns)
        for number, names in enumerate(turns, 1):
            await self.more(tasks, self.random.randint(5, 60))
            await asyncio.sleep(self.random.random() * 0.02)
            processes = {process.name: process for process in (self.site.keyd, self.site.gimsd, self.site.tlsd)}
            for name in self.random.sample(names, len(names)):
                await asyncio.to_thread(processes[name].kill)
                self.kills[name] += 1
            if len(names) == 1:
                await asyncio.to_thread(self.assert_away, names[0])
                if names[0] == "gims-keyd":
                    await self.more(tasks, SENDERS + 5)  # those under way when it was killed, and others
            for name in names:
                if self.random.random() < 0.25:
                    await asyncio.to_thread(self.kill_within_start, processes[name])
                await asyncio.to_thread({"gims-keyd": self.site.start_keyd, "gimsd": self.site.start_gimsd,
                                         "gims-tlsd": self.site.start_tlsd}[name])
            self.assertEqual(self.site.dead(), [], "it ended of another's death")
            if number % 10 == 0:
                print(f"{number} of {len(turns)}: {len(self.acks)} events acknowledged, {len(self.claimed)} keys claimed, "
                      f"{len(self.added)} accounts made", flush=True)

    async def more(self, tasks, events):
        """Waits until so many more were acknowledged."""
        wanted = len(self.acks) + events
        async with self.acknowledged:
            while len(self.acks) < wanted:
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.wait_for(self.acknowledged.wait(), 60)

    def kill_within_start(self, process):
        process.start()
        time.sleep(self.random.random() * 0.2)
        process.kill()
        self.kills[process.name] += 1

    def assert_away(self, name):
        """What a new client sees."""
        def ask():
            with Line(self.site.port, self.site.ca) as line:
                return line.ask("GET", "/_matrix/client/v3/account/whoami", token=self.token)
        if name == "gims-keyd":  # nothing
            self.assertEqual(ask()[0], 200)
        elif name == "gims-tlsd":
            with self.assertRaises(ConnectionRefusedError):
                ask()
        else:
            # A door that opens to nobody.
            with self.assertRaises((OSError, http.client.HTTPException)) as seen:
                ask()
            self.assertNotIsInstance(seen.exception, ConnectionRefusedError)

    async def check(self, reader, rooms):
        self.assertGreater(len(self.acks), KILLS * 5)
        self.assertGreater(len(self.claimed), KILLS * 3)
        self.assertEqual(len(self.claimed), len(set(self.claimed)), "a one-time key was given out twice")

        for room in rooms:
            events = counted(await reader.messages(room))
            acks = [ack for ack in self.acks if ack.room == room]
            # Each transaction made one event, however often it was sent.
            self.assertEqual(check_timeline(self, events, acks), {(ack.sender, ack.counter) for ack in acks})

            ids = [event["event_id"] for event in events]
            there = set(ids)
            seen = [event_id for event_id in self.seen.get(room, []) if event_id in there]
            self.assertEqual(seen, ids, "/sync gave other events, or another order, than /messages")
        kills = ", ".join(f"{self.kills[name]} of {name}" for name in DAEMONS)
        print(f"{len(self.acks)} events and {len(self.claimed)} keys after kills {kills}; {self.gaps} gaps filled: all there, none twice",
              flush=True)

    def check_audit(self):
        """An account and its entry are there, or neither; gims-keyd's head is the log's."""
        entries = json.loads(self.gimsctl("--json", "audit", "list")[1])["entries"]
        self.assertEqual([entry["sequence"] for entry in entries], list(range(1, len(entries) + 1)))
        named = sorted(entry["target"] for entry in entries if entry["act"] == "user.add")
        users = sorted(user["user_id"] for user in json.loads(self.gimsctl("--json", "user", "list")[1])["users"])
        self.assertEqual(named, users)
        self.assertLessEqual({f"@{name}:{self.site.name}" for name in self.added}, set(users))
        self.assertGreater(len(self.added), KILLS)
        # gims-keyd is told within seconds of its return.
        self.wait_for("the witness", lambda: "gims-keyd has its newest entry" in self.gimsctl("status")[1])
        self.assertEqual(self.gimsctl("audit", "verify"), (0, f"the audit log is whole: {len(entries)} entries\n"))
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))
        print(f"{len(self.added)} accounts acknowledged, {len(entries)} entries in the audit log: whole", flush=True)


if __name__ == "__main__":
    unittest.main()

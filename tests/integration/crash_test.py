"""gimsd killed with -9 at random moments under load: no acknowledged event is lost, none is there twice,
the order is kept, and no one-time key is given out twice."""

import asyncio
import os
import random
import time
import unittest

import matrix_api
from rig import SiteTest

KILLS = int(os.environ.get("GIMS_KILLS", "30"))
SENDERS = 4
CLAIMERS = 2
KEY_OWNERS = 4  # devices whose keys are claimed
KEYS = 1000  # of each: the most that the server keeps for a device


class CrashTest(SiteTest):
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
        self.acks = []  # (time sent, time acknowledged, room, sender, counter, event id)
        self.claimed = []  # (device, key id), as they were given out
        self.gaps = 0  # that /sync left to /messages
        self.seen = {}  # room -> event ids in the order in which /sync gave them

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
                self.watch(watcher, start["next_batch"]))]
            try:
                await self.kill_again_and_again(tasks)
            finally:
                self.stop.set()
                await asyncio.gather(*tasks)
            await self.check(watcher, rooms)

    async def upload_keys(self, owner):
        keys = matrix_api.DeviceKeys(owner.user_id, owner.device_id)
        await owner.call("POST", "/_matrix/client/v3/keys/upload", {"device_keys": keys.device_keys()})
        for first in range(0, KEYS, 500):
            await owner.call("POST", "/_matrix/client/v3/keys/upload", {"one_time_keys": keys.one_time_keys(first, 500)})

    async def send(self, sender, rooms):
        counter = 0
        while not self.stop.is_set():
            room = rooms[counter % len(rooms)]
            sent = time.monotonic()
            # The same transaction until it is acknowledged: whether it was committed before the kill, the
            # sender cannot know, and a repetition is harmless.
            answer = await sender.persistently("PUT", sender.send_path(room, f"t{counter}"), matrix_api.encrypted(counter))
            async with self.acknowledged:
                self.acks.append((sent, time.monotonic(), room, sender.user_id, counter, answer["event_id"]))
                self.acknowledged.notify_all()
            counter += 1

    async def claim(self, claimer, owners):
        for owner in owners:
            wanted = {"one_time_keys": {owner.user_id: {owner.device_id: "signed_curve25519"}}}
            given = True
            while given and not self.stop.is_set():
                answer = await claimer.persistently("POST", "/_matrix/client/v3/keys/claim", wanted)
                given = answer["one_time_keys"].get(owner.user_id, {}).get(owner.device_id)
                self.claimed += [(owner.device_id, key) for key in given or {}]

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

    async def kill_again_and_again(self, tasks):
        for number in range(KILLS):
            wanted = len(self.acks) + self.random.randint(5, 120)
            async with self.acknowledged:
                while len(self.acks) < wanted:
                    for task in tasks:
                        if task.done():
                            task.result()
                    await asyncio.wait_for(self.acknowledged.wait(), 60)
            await asyncio.sleep(self.random.random() * 0.02)
            await asyncio.to_thread(self.site.kill_gimsd)
            await asyncio.to_thread(self.site.start_gimsd)
            if number % 10 == 9:
                print(f"{number + 1} kills, {len(self.acks)} events acknowledged, {len(self.claimed)} keys claimed", flush=True)

    async def check(self, reader, rooms):
        self.assertGreater(len(self.acks), KILLS * 5)
        self.assertGreater(len(self.claimed), KILLS)
        self.assertEqual(len(self.claimed), len(set(self.claimed)), "a one-time key was given out twice")

        for room in rooms:
            events = [event for event in await reader.messages(room) if event["type"] == "m.room.encrypted"]
            ids = [event["event_id"] for event in events]
            place = {event_id: i for i, event_id in enumerate(ids)}
            self.assertEqual(len(ids), len(place), "an event is there twice")

            acks = [ack for ack in self.acks if ack[2] == room]
            for _, _, _, sender, counter, event_id in acks:
                self.assertIn(event_id, place, f"lost: {sender}'s event {counter}")
                event = events[place[event_id]]
                self.assertEqual((event["sender"], event["content"]["gims.counter"]), (sender, counter))
            # Each transaction made one event, however often it was sent.
            made = [(event["sender"], event["content"]["gims.counter"]) for event in events]
            self.assertEqual(len(made), len(set(made)), "a repeated transaction made a second event")
            self.assertEqual(set(made), {(ack[3], ack[4]) for ack in acks})

            # What was acknowledged before another was sent stands before it.
            by_end = sorted(acks, key=lambda ack: ack[1])
            furthest, i = -1, 0
            for ack in sorted(acks, key=lambda ack: ack[0]):
                while i < len(by_end) and by_end[i][1] < ack[0]:
                    furthest = max(furthest, place[by_end[i][5]])
                    i += 1
                self.assertGreater(place[ack[5]], furthest, "the order was not kept")

            seen = [event_id for event_id in self.seen.get(room, []) if event_id in place]
            self.assertEqual(seen, ids, "/sync gave other events, or another order, than /messages")
        print(f"{len(self.acks)} events and {len(self.claimed)} keys after {KILLS} kills, {self.gaps} gaps filled: all there, none twice", flush=True)


if __name__ == "__main__":
    unittest.main()

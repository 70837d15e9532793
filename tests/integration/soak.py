#!/usr/bin/env python3
"""make soak: a whole site under the mixed work of officers for hours; memory, descriptors, threads and latency are
watched, and what was acknowledged is counted at the end. Ends with status 1 when something drifted, was refused that
should not be, or is lost.

    tests/integration/soak.py [--hours 1] [--out build/soak]
"""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import rig  # first: it says where the others are
import drift
import gimssite
import matrix_api
from matrix_api import quoted

OFFICERS, ROOMS, PAUSE = 24, 6, 0.5  # seconds between two acts of an officer, on average
CLIENT = "/_matrix/client/v3"


class Officer:
    """One device of an officer: it follows its rooms by long polls and acts now and then."""

    def __init__(self, soak, client, name, password):
        self.soak, self.client, self.name, self.password = soak, client, name, password
        self.random = random.Random(f"{soak.seed} {name}")
        self.counter = 0

    async def begin(self):
        await self.client.login(self.name, self.password)
        keys = matrix_api.DeviceKeys(self.client.user_id, self.client.device_id)
        await self.client.call("POST", f"{CLIENT}/keys/upload", {"device_keys": keys.device_keys(),
                                                                "one_time_keys": keys.one_time_keys(0, 20)})

    async def follow(self):
        since = (await self.client.call("GET", f"{CLIENT}/sync"))["next_batch"]
        self.soak.following.release()
        while not self.soak.over.is_set():
            news = await self.client.call("GET", f"{CLIENT}/sync", since=since, timeout=5000)
            now = time.monotonic()
            for joined in news.get("rooms", {}).get("join", {}).values():
                for event in joined["timeline"]["events"]:
                    if begun := self.soak.begun.get(event["content"].get("gims.counter")):
                        self.soak.arrivals.append(now - begun)
            since = news["next_batch"]

    async def work(self):
        acts = (self.send,) * 8 + (self.type, self.read, self.to_device, self.picture, self.second_device, self.look_back, self.hang_up)
        while not self.soak.over.is_set():
            await asyncio.sleep(self.random.expovariate(1 / PAUSE))
            await self.random.choice(acts)(self.random.choice(self.soak.rooms))

    async def send(self, room):
        number = f"{self.name}-{self.counter}"
        self.counter += 1
        content = matrix_api.encrypted(0) | {"gims.counter": number, "ciphertext": "A" * self.random.randint(200, 2000)}
        self.soak.begun[number] = time.monotonic()
        answer = await self.client.call("PUT", self.client.send_path(room, number), content)
        self.soak.acknowledged[room][answer["event_id"]] = number

    async def type(self, room):
        await self.client.call("PUT", f"{CLIENT}/rooms/{quoted(room)}/typing/{quoted(self.client.user_id)}",
                               {"typing": True, "timeout": 3000})

    async def read(self, room):
        if self.soak.acknowledged[room]:
            event = next(reversed(self.soak.acknowledged[room]))
            await self.client.call("POST", f"{CLIENT}/rooms/{quoted(room)}/receipt/m.read/{quoted(event)}", {})

    async def to_device(self, room):
        other = self.random.choice(self.soak.officers).client
        await self.client.call("PUT", f"{CLIENT}/sendToDevice/m.room.encrypted/{self.random.getrandbits(64)}",
                               {"messages": {other.user_id: {other.device_id: {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": {}}}}})

    async def picture(self, room):
        data = self.random.randbytes(self.random.randint(1 << 10, 64 << 10))
        headers = {"Authorization": f"Bearer {self.client.token}", "Content-Type": "application/octet-stream"}
        async with self.client.session.post(f"{self.client.url}/_matrix/media/v3/upload", data=data, headers=headers) as answer:
            uri = (await answer.json()).get("content_uri")
        if answer.status == 429:
            return
        path = f"/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}"
        async with self.client.session.get(self.client.url + path, headers=headers) as answer:
            if answer.status == 200 and await answer.read() != data:
                raise AssertionError("a picture came back otherwise")

    async def second_device(self, room):
        """Signs in, looks, claims a key and signs out: all that it made on the server goes with it."""
        async with matrix_api.Client(self.client.url, self.soak.site.ca) as second:
            await second.login(self.name, self.password)
            keys = matrix_api.DeviceKeys(second.user_id, second.device_id)
            await second.call("POST", f"{CLIENT}/keys/upload", {"device_keys": keys.device_keys(), "one_time_keys": keys.one_time_keys(0, 5)})
            await second.call("GET", f"{CLIENT}/sync")
            await self.client.call("POST", f"{CLIENT}/keys/claim", {"one_time_keys": {second.user_id: {second.device_id: "signed_curve25519"}}})
            await second.call("POST", f"{CLIENT}/logout", {})

    async def look_back(self, room):
        await self.client.call("GET", f"{CLIENT}/rooms/{quoted(room)}/messages", dir="b", limit=50)
        await self.client.call("GET", f"{CLIENT}/rooms/{quoted(room)}/joined_members")

    async def hang_up(self, room):
        """A client that goes away in the middle of what it asked for."""
        async with matrix_api.Client(self.client.url, self.soak.site.ca) as other:
            other.token = self.client.token
            poll = asyncio.create_task(other.raw("GET", f"{CLIENT}/rooms/{quoted(room)}/messages", dir="b", limit=500))
            await asyncio.sleep(self.random.random() * 0.05)
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)


class Soak:
    def __init__(self, site, seconds, tell, samples=120):
        self.site, self.seconds, self.tell = site, seconds, tell
        self.every = max(seconds / samples, 0.5)
        self.seed = int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000))
        self.begun, self.arrivals, self.acknowledged = {}, [], {}
        self.samples = []  # of each: {name: value}

    async def run(self):
        self.over, self.following = asyncio.Event(), asyncio.Semaphore(0)
        self.tell(f"seed {self.seed} (GIMS_SEED)")
        async with matrix_api.together([matrix_api.Client(self.site.url, self.site.ca) for _ in range(OFFICERS)]) as clients:
            self.officers = [Officer(self, client, f"officer{i}", self.site.add_user(f"officer{i}")) for i, client in enumerate(clients)]
            for officer in self.officers:
                await officer.begin()
            self.rooms = [await self.room(clients, creator) for creator in clients[:ROOMS]]
            self.acknowledged = {room: {} for room in self.rooms}
            tasks = [asyncio.create_task(officer.follow()) for officer in self.officers]
            for _ in tasks:
                await self.following.acquire()
            tasks += [asyncio.create_task(officer.work()) for officer in self.officers]
            try:
                await self.watch(tasks)
            finally:
                self.over.set()
                await asyncio.gather(*tasks)
            await self.check(clients[0])

    async def room(self, clients, creator):
        others = [client for client in clients if client is not creator]
        room = await creator.create_room(preset="private_chat", invite=[other.user_id for other in others])
        for other in others:
            await other.join(room)
        return room

    async def watch(self, tasks):
        """Samples at even distances until the time is over, or an officer was answered wrongly."""
        began, shown = time.monotonic(), 0
        while (passed := time.monotonic() - began) < self.seconds:
            done, _ = await asyncio.wait(tasks, timeout=self.every, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            if dead := self.site.dead():
                raise AssertionError(f"{dead[0].name} ended with {dead[0].ending()}")
            self.samples.append(self.sample())
            if passed - shown >= min(60, self.seconds / 4):
                shown = passed
                self.tell(self.progress(passed))

    def sample(self):
        taken = {}
        for process in (self.site.keyd, self.site.gimsd, self.site.tlsd):
            status = Path(f"/proc/{process.child.pid}/status").read_text()
            taken[f"{process.name} memory"] = int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024
            taken[f"{process.name} threads"] = int(re.search(r"Threads:\s+(\d+)", status)[1])
            taken[f"{process.name} descriptors"] = len(os.listdir(f"/proc/{process.child.pid}/fd"))
        arrivals, self.arrivals = sorted(self.arrivals), []
        if arrivals:
            taken["send to receipt, p50"] = statistics.median(arrivals) * 1000
            taken["send to receipt, p99"] = arrivals[len(arrivals) * 99 // 100] * 1000
        # What has arrived at all by now is told by its age: nobody waits a minute.
        oldest = time.monotonic() - 60
        self.begun = {number: begun for number, begun in self.begun.items() if begun > oldest}
        return taken

    def progress(self, passed):
        last = self.samples[-1]
        sent = sum(map(len, self.acknowledged.values()))
        return (f"{passed / 60:.1f} of {self.seconds / 60:.1f} min: {sent} messages, " +
                ", ".join(f"{name} {last[f'{name} memory']:.1f} MiB {last[f'{name} descriptors']} fds" for name in ("gimsd", "gims-tlsd")) +
                (f", receipt p50 {last['send to receipt, p50']:.1f} ms" if "send to receipt, p50" in last else ""))

    async def check(self, reader):
        """Everything acknowledged is there, once."""
        for room, acknowledged in self.acknowledged.items():
            found = [event["event_id"] for event in await reader.messages(room) if event["type"] == "m.room.encrypted"]
            if len(found) != len(set(found)) or set(found) != set(acknowledged):
                raise AssertionError(f"{room}: {len(acknowledged)} acknowledged, {len(found)} there, {len(set(found))} different ones")

    def series(self):
        rules = {"memory": ("MiB", 1.1, 4), "threads": ("", 1, 0), "descriptors": ("", 1, 16), "p50": ("ms", 2, 5), "p99": ("ms", 3, 20)}
        found = []
        for name in dict.fromkeys(name for sample in self.samples for name in sample):
            unit, ratio, room = rules[name.split()[-1]]
            found.append(drift.Series(name, unit, [sample[name] for sample in self.samples if name in sample], ratio, room))
        return found


def soak(seconds, out, build=rig.BUILD, tell=lambda line: print(f"  {line}", flush=True)):
    """Runs it and writes out/soak.json. Returns the series."""
    out.mkdir(parents=True, exist_ok=True)
    # Short, for the limit of 107 bytes on a socket's path.
    with tempfile.TemporaryDirectory(prefix="gims-") as folder:
        os.chmod(folder, 0o755)
        site = gimssite.Site(Path(folder) / "site", build=build)
        run = Soak(site, seconds, tell)
        try:
            site.start()
            asyncio.run(run.run())
        except BaseException:
            for log in sorted(site.logs.glob("*.log")):
                (out / log.name).write_bytes(log.read_bytes())
            raise
        finally:
            site.stop()
    messages = sum(map(len, run.acknowledged.values()))
    (out / "soak.json").write_text(json.dumps({"seconds": seconds, "messages": messages, "seed": run.seed, "every": run.every,
                                               "samples": run.samples}) + "\n")
    series = run.series()
    tell(f"{messages} messages acknowledged, all there once, in {seconds / 60:.1f} minutes; {len(run.samples)} samples")
    tell(drift.HEAD)
    for one in series:
        tell(one.line())
    return series


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--out", type=Path, default=rig.TOP / "build/soak")
    options = parser.parse_args()
    sys.exit(any(one.drifted() for one in soak(options.hours * 3600, options.out)))

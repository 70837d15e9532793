"""Officers at work on a unit whose power is cut: what they send, and a ledger of what they were told is there. They are
outside of the unit, and go on where they were once it serves again."""

import asyncio
import contextlib
import json
import sys
from collections import Counter

import aiohttp
from appliance import KEYD, NAME, TOP, troubles
from machine import PATIENCE, NotSeen

sys.path.append(str(TOP / "tests/integration"))
import matrix_api
from acknowledged import Ack, counted

SENDERS = 4
KEYS = 400
CLIENT = "/_matrix/client/v3"
# Says the number of the device that it revoked.
REVOKE = f"""set -e
cd /run
[ -e officer.csr ] || openssl req -quiet -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout officer.key -out officer.csr -subj /CN=x
number=$({KEYD} certify-device --request officer.csr --user @officer0:{NAME} --device LOST --days 30 --out officer.pem | sed -n 's/.*to revoke it by: //p')
{KEYD} revoke-device --serial $number
echo " $number"
"""
# What a client sees of a unit that has no power.
GONE = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


class Ledger:
    """What was sent and acknowledged, in the order in which it was seen here: entries of a kind, whose it is, and more. Each is a
    line of a file at once, so that a stopped test goes on with it."""

    def __init__(self, path):
        self.entries = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        self.counts = Counter((kind, who) for kind, who, *_ in self.entries)
        self.file = path.open("a", buffering=1)

    def note(self, kind, who, *more):
        self.entries.append([kind, who, *more])
        self.counts[kind, who] += 1
        self.file.write(json.dumps(self.entries[-1]) + "\n")

    def all(self, kind):
        return [entry[1:] for entry in self.entries if entry[0] == kind]

    def last(self, kind, who):
        return next((more for found, whose, *more in reversed(self.entries) if (found, whose) == (kind, who)), None)

    def acks(self, room):
        """Of the events of a room; the number of an entry is its time."""
        sent, acks = {}, []
        for now, (kind, who, *more) in enumerate(self.entries):
            if kind == "sent":
                sent[who, more[1]] = now
            elif kind == "ack" and more[0] == room:
                acks.append(Ack(sent[who, more[1]], now, room, who, more[1], more[2]))
        return acks


class Officers:
    def __init__(self, ledger, machine, port, ca):
        self.ledger, self.machine, self.port, self.ca = ledger, machine, port, ca
        self.serving = asyncio.Event()
        self.probe = asyncio.Lock()
        self.clients, self.tasks = [], []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.rest()
        for client in self.clients:
            await client.session.close()
        self.ledger.file.close()

    def client(self):
        self.clients.append(matrix_api.Client(f"https://127.0.0.1:{self.port}", self.ca, NAME))
        return self.clients[-1]

    async def ask(self, command):
        """Status and output of a command in the guest, one after the other."""
        async with self.probe:
            return await asyncio.to_thread(self.machine.ask, command)

    async def done(self, command):
        """What it printed; it must succeed."""
        status, said = await self.ask(command)
        if status:
            raise AssertionError(f"{command}: {status}: {said}")
        return said

    # ---- who they are ------------------------------------------------------------------------------------------------------

    async def enrol(self):
        """Accounts, rooms and keys; once for a unit."""
        clients = []
        for name in (*(f"officer{i}" for i in range(SENDERS)), "officer0", "officer1"):
            password = f"{name}-password of some length"
            if len(clients) < SENDERS:
                self.machine.done(f"printf %s '{password}' | gimsctl user add {name}")
            client = self.client()
            await client.login(name, password)
            self.ledger.note("device", client.user_id, client.device_id, client.token)
            clients.append(client)
        for creator in clients[:2]:
            others = [client for client in clients[:SENDERS] if client is not creator]
            room = await creator.create_room(preset="private_chat", invite=[other.user_id for other in others])
            for other in others:
                await other.join(room)
            self.ledger.note("room", room)
        owner = clients[SENDERS + 1]
        keys = matrix_api.DeviceKeys(owner.user_id, owner.device_id)
        await owner.call("POST", f"{CLIENT}/keys/upload", {"device_keys": keys.device_keys()})
        for first in range(0, KEYS, 100):
            await owner.call("POST", f"{CLIENT}/keys/upload", {"one_time_keys": keys.one_time_keys(first, 100)})

    def begin(self):
        """They work from now on, whenever the unit serves."""
        if self.tasks:
            return
        devices = []
        for user_id, device_id, token in self.ledger.all("device"):
            client = self.client()
            client.user_id, client.device_id, client.token = user_id, device_id, token
            devices.append(client)
        self.senders, self.reader, self.owner = devices[:SENDERS], devices[SENDERS], devices[SENDERS + 1]
        self.rooms = [room for room, in self.ledger.all("room")]
        steps = [(0.2, self.send, sender) for sender in self.senders]
        steps += [(0, self.watch, self.reader), (3, self.claim, self.senders[1]), (1, self.tell, self.senders[1]),
                  (2, self.set_data, self.senders[2]), (5, self.administer)]
        self.tasks = [asyncio.create_task(self.repeat(*step)) for step in steps]

    async def until(self, what):
        """The outcome of it, or of a task of theirs that ends before, as a refusal and whatever else is no broken connection makes it."""
        what = asyncio.ensure_future(what)
        done, _ = await asyncio.wait({what, *self.tasks}, return_when=asyncio.FIRST_COMPLETED)
        what.cancel()
        for ended in done:
            ended.result()
        return what.result()

    async def acknowledged(self, more):
        wanted = len(self.ledger.all("ack")) + more
        while len(self.ledger.all("ack")) < wanted:
            await asyncio.sleep(0.01)

    async def rest(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks = []

    # ---- what they do ------------------------------------------------------------------------------------------------------

    async def repeat(self, pause, step, *who):
        """A step finds in the ledger what comes next, and so does what was cut off once more."""
        while True:
            await self.serving.wait()
            with contextlib.suppress(*GONE):
                await step(*who)
            await asyncio.sleep(pause or 0.01)

    def next(self, sent, acknowledged, who, *more):
        """The number of the next; noted as sent, the first time."""
        number = self.ledger.counts[acknowledged, who]
        if self.ledger.counts[sent, who] == number:
            self.ledger.note(sent, who, *more, number)
        return number

    async def send(self, sender):
        who = sender.user_id
        room = self.rooms[self.ledger.counts["ack", who] % len(self.rooms)]
        counter = self.next("sent", "ack", who, room)
        answer = await sender.call("PUT", sender.send_path(room, f"t{counter}"), matrix_api.encrypted(counter))
        self.ledger.note("ack", who, room, counter, answer["event_id"])

    async def claim(self, claimer):
        """Of another device of the same person: to others one that its owner did not sign is not shown."""
        owner = self.owner
        answer = await claimer.call("POST", f"{CLIENT}/keys/claim",
                                    {"one_time_keys": {owner.user_id: {owner.device_id: "signed_curve25519"}}})
        for key in answer["one_time_keys"].get(owner.user_id, {}).get(owner.device_id, {}):
            self.ledger.note("claimed", owner.user_id, key)

    async def tell(self, sender):
        """To the reader's device."""
        number = self.next("telling", "told", sender.user_id)
        await sender.call("PUT", f"{CLIENT}/sendToDevice/gims.test/d{number}",
                          {"messages": {self.reader.user_id: {self.reader.device_id: {"n": number}}}})
        self.ledger.note("told", sender.user_id)

    async def watch(self, reader):
        since = self.ledger.last("since", reader.user_id)
        answer = await reader.call("GET", f"{CLIENT}/sync", since=since and since[0], timeout=10_000 if since else 0)
        for event in answer.get("to_device", {}).get("events", []):
            self.ledger.note("heard", reader.user_id, event["content"]["n"])
        for room, joined in answer.get("rooms", {}).get("join", {}).items():
            for event in counted(joined["timeline"]["events"]):
                self.ledger.note("shown", room, event["event_id"])
        self.ledger.note("since", reader.user_id, answer["next_batch"])

    def data_path(self, client):
        return f"{CLIENT}/user/{matrix_api.quoted(client.user_id)}/account_data/gims.test"

    async def set_data(self, client):
        number = self.next("setting", "set", client.user_id)
        await client.call("PUT", self.data_path(client), {"n": number})
        self.ledger.note("set", client.user_id)

    async def administer(self):
        """An account, which is an act in the audit log, and a device that is certified and revoked, which is two changes of
        gims-keyd's files and of the TPM's counter."""
        name = f"clerk{self.ledger.counts['adding', 'clerk']}"
        self.ledger.note("adding", "clerk", name)
        with contextlib.suppress(NotSeen):
            await self.done(f"printf %s 'a password of some length' | gimsctl user add {name}")
            self.ledger.note("added", "clerk", name)
            self.ledger.note("revoked", "device", (await self.done(REVOKE)).split()[-1])

    # ---- the unit ----------------------------------------------------------------------------------------------------------

    async def wait_until_serving(self):
        """Seconds from the power on."""
        client = self.client()
        while True:
            with contextlib.suppress(*GONE):
                await asyncio.wait_for(client.call("GET", "/_matrix/client/versions"), 5)
                self.serving.set()
                return self.machine.seconds()
            if self.machine.qemu.poll() is not None:
                raise NotSeen("the machine ended; the console's end:\n" + "\n".join(self.machine.words().splitlines()[-40:]))
            if self.machine.seconds() > PATIENCE:
                raise NotSeen("it does not serve: " + troubles(self.machine))
            await asyncio.sleep(1)

    async def cut_power(self):
        self.serving.clear()
        await asyncio.to_thread(self.machine.cut_power)
        # Whoever waits for the guest's answer has heard that there is none.
        async with self.probe:
            pass

"""Cuts of power under load lose nothing that was acknowledged: of a unit whose disk forgets what was not flushed (forgetful_disk.py),
while officers work (power_load.py), and also while it starts. Each start comes up by itself, with everything there.

GIMS_POWER_CUTS says how many cuts, GIMS_SEED repeats their choice. A run that was stopped goes on where it was with GIMS_IMAGE_KEEP."""

import asyncio
import json
import os
import random
import re
import time
import unittest
from collections import Counter

import appliance
from appliance import DATA, FOLDER, KEYD, NAME
from cryptography import x509
from cut import ForgetfulDisk
from machine import PROCESSOR, Machine
from power_load import Ledger, Officers  # and with it tests/integration
import matrix_api
from acknowledged import check_timeline, counted

CUTS = int(os.environ.get("GIMS_POWER_CUTS", 1))
# Under load, once the unit was looked at; at the first messages after a start; before it serves.
WHEN = ("load", "first messages", "load", "start", "load")
SECONDS_OF_LOAD = 15
# What a start of the machine does not have to look for and to set up.
QUICKER = ("-machine", "sata=off,smbus=off", "-cpu", f"{PROCESSOR},svm=off", "-m", "1024")
# Of the kernel's, when a file system or a disk is not as it was left.
DAMAGE = r"EXT4-fs (error|warning)|(EXT4-fs|JBD2).*([Cc]orrupt|[Cc]hecksum|error|warning)|I/O error"


class PowerTest(unittest.TestCase):
    def setUp(self):
        folder = FOLDER / "power"
        self.enrolled, of = folder / "enrolled", (appliance.BUILT / "SHA256SUMS").read_text()
        goes_on = os.environ.get("GIMS_IMAGE_KEEP") and self.enrolled.exists() and self.enrolled.read_text() == of
        self.machine = Machine(folder) if goes_on else appliance.copy("power")
        self.addCleanup(self.machine.stop)
        self.ledger = Ledger(folder / "ledger")
        if not goes_on:
            self.ledger.note("seed", "cuts", int(os.environ.get("GIMS_SEED", time.time_ns() % 1_000_000)))
        self.seed, = self.ledger.last("seed", "cuts")
        print(f"seed {self.seed} (GIMS_SEED); {len(self.ledger.all('cut'))} cuts were made before", flush=True)

    def test_cuts_of_power(self):
        asyncio.run(self.scenario())
        self.figures()

    async def scenario(self):
        port, ca = appliance.free_port(), self.machine.folder / "ca.pem"
        self.line = appliance.officers_line(port)
        async with Officers(self.ledger, self.machine, port, ca) as self.officers:
            for number in range(len(self.ledger.all("cut")) + 1, CUTS + 1):
                await self.start_and_cut(number)
            disk = self.switch_on("nothing", 0)
            self.officers.begin()
            await self.serves()
            await self.look()
            self.assertEqual(await self.officers.done("gimsctl check --full"), "the store is sound\n")
            await self.officers.rest()
            await asyncio.to_thread(self.machine.switch_off)
            # Who is switched off by the button has flushed.
            self.assertEqual(disk.cut()["lost"], 0)

    def switch_on(self, keep, seed):
        disk = ForgetfulDisk(self.machine.disk, keep, seed)
        self.machine.start(*self.line, *QUICKER, disk=disk.drive())
        return disk

    async def commission(self):
        """Of the first start: the unit gets its place in the network, and its officers."""
        machine = self.machine
        await asyncio.to_thread(appliance.wait_until_up, machine)
        await asyncio.to_thread(appliance.wait_until_active, machine, "gims-tlsd.service")
        machine.done(appliance.GIVE_PORT)
        self.officers.ca.write_text(machine.done(f"{KEYD} site-root"))
        await self.officers.wait_until_serving()
        await self.officers.enrol()
        self.enrolled.write_text((appliance.BUILT / "SHA256SUMS").read_text())

    async def start_and_cut(self, number):
        officers, chance = self.officers, random.Random(f"{self.seed} {number}")
        when, keep = WHEN[(number - 1) % len(WHEN)], chance.choice(("nothing", "some", "some"))
        disk = self.switch_on(keep, chance.getrandbits(32))
        new = not self.enrolled.exists()
        if new:
            await self.commission()
        officers.begin()
        if when == "start":
            await asyncio.sleep(chance.uniform(0.1, 1) * self.ledger.last("serving", "unit")[0])
        else:
            if not new:
                await self.serves()
            if when == "load":
                await self.look()
                await officers.until(asyncio.sleep(chance.uniform(0, SECONDS_OF_LOAD)))
            else:
                await officers.until(officers.acknowledged(chance.randint(1, 4)))
        await asyncio.to_thread(disk.lose_power)
        await officers.cut_power()
        cut = disk.cut()
        self.ledger.note("cut", when, cut)
        print(f"cut {number}: {when}; {len(self.ledger.all('ack'))} messages acknowledged so far; "
              f"of {cut['unflushed'] >> 10} KiB not flushed {cut['lost'] >> 10} KiB are lost", flush=True)

    async def serves(self):
        """By itself."""
        seconds = await self.officers.until(self.officers.wait_until_serving())
        self.ledger.note("serving", "unit", seconds)
        print(f"serving after {seconds:.0f} s", flush=True)

    # ---- what is there -----------------------------------------------------------------------------------------------------

    async def look(self):
        """After a start, beside the load."""
        for part in (self.look_at_messages, self.look_at_the_rest, self.look_at_the_unit):
            await self.officers.until(part())

    async def look_at_messages(self):
        officers, ledger = self.officers, self.ledger
        last = [(sender, ledger.last("ack", sender.user_id)) for sender in officers.senders]
        for room in officers.rooms:
            acks, shown = ledger.acks(room), [event_id for where, event_id in ledger.all("shown") if where == room]
            events = counted(await officers.reader.messages(room))
            made = check_timeline(self, events, acks)
            self.assertLessEqual(made, {(who, counter) for who, where, counter in ledger.all("sent") if where == room})
            # What /sync showed was not taken back, and was shown in the order in which it is there.
            place = {event["event_id"]: i for i, event in enumerate(events)}
            self.assertEqual([place[event_id] for event_id in shown], sorted(place[event_id] for event_id in set(shown)))
        for sender, ack in last:
            if ack:
                room, counter, event_id = ack
                again = await sender.call("PUT", sender.send_path(room, f"t{counter}"), matrix_api.encrypted(counter))
                self.assertEqual(again["event_id"], event_id, "the same transaction made another event")

    async def look_at_the_rest(self):
        officers, counts = self.officers, self.ledger.counts
        reader, setter = officers.reader, officers.senders[2]
        told, set_before = counts["told", officers.senders[1].user_id], counts["set", setter.user_id]
        # The reader's /sync goes on where it was, and hears of each once.
        while counts["heard", reader.user_id] < told:
            await asyncio.sleep(0.5)
        heard = [number for _, number in self.ledger.all("heard")]
        self.assertEqual(heard, list(range(len(heard))))
        claimed = [key for _, key in self.ledger.all("claimed")]
        self.assertEqual(len(claimed), len(set(claimed)), "a one-time key was given out twice")
        if set_before:
            data = await setter.call("GET", officers.data_path(setter))
            self.assertGreaterEqual(data["n"], set_before - 1)

    async def look_at_the_unit(self):
        done = self.officers.done
        added, revoked = ({name for _, name in self.ledger.all(kind)} for kind in ("added", "revoked"))
        self.assertIn("operational", await done(f"{KEYD} status"))
        self.assertEqual((await done(f"findmnt --noheadings --output SOURCE {DATA}")).strip(), "/dev/mapper/gims-data")
        self.assertEqual(await done(f"journalctl --no-pager --boot --dmesg --output cat | grep -E '{DAMAGE}' || true"), "")
        self.assertEqual((await done("systemctl list-units --failed --plain --no-legend")).strip(), "")
        self.assertEqual(await done("systemctl start gims-alarms.service; cat /run/gims/alarms/now"), "")
        self.assertEqual(await done("gimsctl check"), "the store is sound\n")
        # An account and its entry are there, or neither; gims-keyd's head is the log's, and no certificate that was revoked is good again.
        self.assertRegex(await done("until gimsctl status | grep 'gims-keyd has its newest entry'; do sleep 1; done; gimsctl audit verify"), "the audit log is whole")
        entries = json.loads(await done("gimsctl --json audit list"))["entries"]
        self.assertEqual([entry["sequence"] for entry in entries], list(range(1, len(entries) + 1)))
        users = {user["user_id"] for user in json.loads(await done("gimsctl --json user list"))["users"]}
        named = [entry["target"] for entry in entries if entry["act"] == "user.add"]
        self.assertEqual(len(named), len(set(named)))
        self.assertLessEqual({f"@{name}:{NAME}" for name in added}, users & set(named))
        lists = re.findall("-+BEGIN X509 CRL-+.*?-+END X509 CRL-+", await done(f"{KEYD} crl"), re.DOTALL)
        there = {entry.serial_number for text in lists for entry in x509.load_pem_x509_crl(text.encode())}
        self.assertLessEqual({int(number.replace(":", ""), 16) for number in revoked}, there)

    # ---- figures -----------------------------------------------------------------------------------------------------------

    def figures(self):
        cuts, seconds = self.ledger.all("cut"), sorted(seconds for _, seconds in self.ledger.all("serving"))
        lost = sorted(cut["lost"] for _, cut in cuts)
        when = Counter(when for when, _ in cuts)
        kinds = {"messages": "ack", "to-device messages": "told", "settings": "set", "keys claimed": "claimed", "accounts": "added",
                 "devices revoked": "revoked"}
        print(f"{len(cuts)} cuts of power: {', '.join(f'{count} {name}' for name, count in when.items())}\n"
              f"acknowledged, and all there: {', '.join(f'{len(self.ledger.all(kind))} {name}' for name, kind in kinds.items())}\n"
              f"lost with a cut of what was not flushed: {lost[0] >> 10} to {lost[-1] >> 10} KiB, {lost[len(lost) // 2] >> 10} in the middle, nothing in {lost.count(0)}\n"
              f"serving after {seconds[0]:.0f} to {seconds[-1]:.0f} s, {seconds[len(seconds) // 2]:.0f} in the middle, under emulation", flush=True)
        # Cuts that lose nothing say nothing, nor does what was never there.
        self.assertGreater(sum(bytes > 0 for bytes in lost), len(cuts) / 2)
        self.assertGreater(len(self.ledger.all("ack")), 10 * len(cuts))
        self.assertEqual([name for name, kind in kinds.items() if not self.ledger.all(kind)], [])


if __name__ == "__main__":
    unittest.main()

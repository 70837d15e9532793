"""What the tests of the image judge the unit's packets by (image/test/listener.py): which have a reason, and that a kernel takes the
frames that are sent to it for what they are meant to be (packets.py)."""

import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).resolve().parents[2] / "image/test"))
import knocks
import packets
from listener import Listener, Reasons
from namespaces import Namespace
from packets import ARP, IPV4, IPV6, ethernet
from table import documented

UNIT, DEVICE, OTHER = "10.73.2.1", "10.73.2.77", "10.73.2.78"
UNIT_MAC, DEVICE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"


def frame(payload, kind=IPV4, mac=UNIT_MAC, to_mac=DEVICE_MAC):
    return packets.read(ethernet(mac, to_mac, kind, payload))


class ReasonsTest(unittest.TestCase):
    def setUp(self):
        self.reasons = Reasons(row[1:] for row in documented() if row[0] == "officers")
        self.reasons.address, self.reasons.mac = UNIT, UNIT_MAC

    def asked(self, payload):
        self.reasons.note(frame(payload, IPV4, DEVICE_MAC, UNIT_MAC))

    def test_by_rows_of_what_it_sends(self):
        for said in (packets.udp(UNIT, 67, "255.255.255.255", 68, b""), packets.udp(UNIT, 5353, "224.0.0.251", 5353, b""), packets.igmp(UNIT, "224.0.0.22", 0x22)):
            self.assertTrue(self.reasons.has(frame(said)))
            self.assertFalse(self.reasons.has(frame(said, mac="02:00:00:00:00:03")))
            self.reasons.rows = {row for row in self.reasons.rows if row[0] == "in"}
            self.assertFalse(self.reasons.has(frame(said)))
            self.setUp()

    def test_without_one(self):
        """To a stranger, by a port of a row, from another's address, and of another protocol."""
        for said in (packets.udp(UNIT, 68, "255.255.255.255", 67, b""), packets.udp(UNIT, 40000, "224.0.0.251", 5353, b""), packets.udp(UNIT, 123, DEVICE, 123, b""),
                     packets.udp("0.0.0.0", 67, "255.255.255.255", 68, b""), packets.igmp(UNIT, "224.0.0.251", 0x16), packets.tcp(UNIT, 8443, DEVICE, 40000, 18),
                     packets.tcp(UNIT, 40000, DEVICE, 443), packets.echo(UNIT, DEVICE, 7), packets.echo(UNIT, DEVICE, 7, 0), packets.ipv4(UNIT, DEVICE, 132, b"")):
            with self.subTest(packet=str(frame(said))):
                self.assertFalse(self.reasons.has(frame(said)))
        for kind, said in ((IPV6, bytes(40)), (0x88CC, bytes(40)), (38, bytes(38)), (ARP, bytes(28))):
            self.assertFalse(self.reasons.has(frame(said, kind)))

    def test_an_answer(self):
        """To what came in by a row, and to nobody else."""
        for question, answer in ((packets.tcp(DEVICE, 40000, UNIT, 8443), lambda to: packets.tcp(UNIT, 8443, to, 40000, 18)),
                                 (packets.udp(DEVICE, 40000, UNIT, 53, b""), lambda to: packets.udp(UNIT, 53, to, 40000, b"")),
                                 (packets.echo(DEVICE, UNIT, 7), lambda to: packets.echo(UNIT, to, 7, 0))):
            with self.subTest(packet=str(frame(question))):
                self.assertFalse(self.reasons.has(frame(answer(DEVICE))))
                self.asked(question)
                self.assertTrue(self.reasons.has(frame(answer(DEVICE))))
                self.assertFalse(self.reasons.has(frame(answer(OTHER))))

    def test_an_answer_to_what_is_in_no_row(self):
        self.asked(packets.tcp(DEVICE, 40000, UNIT, 22))
        self.assertFalse(self.reasons.has(frame(packets.tcp(UNIT, 22, DEVICE, 40000, packets.RST))))
        self.asked(packets.echo(DEVICE, UNIT, 7, 13))
        self.assertFalse(self.reasons.has(frame(packets.echo(UNIT, DEVICE, 7, 14))))
        # It has that address in another network.
        self.asked(packets.tcp(DEVICE, 40000, "10.73.0.1", 8443))
        self.assertFalse(self.reasons.has(frame(packets.tcp("10.73.0.1", 8443, DEVICE, 40000, 18))))

    def test_that_a_program_is_not_there(self):
        """May be told of what came in by a row, to who sent it."""
        def error(to, said):
            return frame(packets.ipv4(UNIT, to, packets.ICMP, b"\3\3\0\0\0\0\0\0" + said))

        row, none = packets.udp(DEVICE, 40000, UNIT, 53, b""), packets.udp(DEVICE, 40000, UNIT, 161, b"")
        self.assertFalse(self.reasons.has(error(DEVICE, row)))
        for said in (row, none):
            self.asked(said)
        self.assertTrue(self.reasons.has(error(DEVICE, row)))
        for to, said in ((OTHER, row), (DEVICE, none), (DEVICE, row[:20] + bytes(8)), (DEVICE, b""), (DEVICE, bytes(28))):
            self.assertFalse(self.reasons.has(error(to, said)))

    def test_hardware_addresses(self):
        said = packets.who_has(UNIT_MAC, UNIT, DEVICE)
        self.assertFalse(self.reasons.has(frame(said, ARP)))
        self.reasons.devices = {DEVICE}
        self.assertTrue(self.reasons.has(frame(said, ARP)))
        self.assertFalse(self.reasons.has(frame(packets.who_has(UNIT_MAC, UNIT, OTHER), ARP)))
        self.assertFalse(self.reasons.has(frame(packets.who_has(UNIT_MAC, OTHER, DEVICE), ARP)))
        self.assertFalse(self.reasons.has(frame(packets.who_has(DEVICE_MAC, UNIT, DEVICE), ARP)))

    def test_where_it_has_no_address(self):
        reasons = Reasons(row[1:] for row in documented() if row[0] == "uplink")
        reasons.mac = UNIT_MAC
        reasons.devices = {DEVICE}
        for said, kind in ((packets.who_has(UNIT_MAC, UNIT, DEVICE), ARP), (packets.tcp(UNIT, 40000, DEVICE, 8448), IPV4)):
            self.assertFalse(reasons.has(frame(said, kind)))


class KernelTest(unittest.TestCase):
    """A kernel without a firewall in the unit's place answers each question, and all is heard."""

    def setUp(self):
        self.unit, self.device = Namespace(), Namespace()
        self.addCleanup(self.unit.close)
        self.addCleanup(self.device.close)
        self.unit("ip", "link", "add", "eth0", "address", UNIT_MAC, "type", "veth", "peer", "name", "eth0", "address", DEVICE_MAC, "netns", self.device.pid)
        self.unit("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts")
        for one, address in ((self.unit, UNIT), (self.device, DEVICE)):
            one("ip", "address", "add", f"{address}/23", "broadcast", "10.73.3.255", "dev", "eth0")
            one("ip", "link", "set", "eth0", "up")
        with self.device.inside():
            self.sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sender.bind(("eth0", 0))
            self.listener = Listener("eth0", [row[1:] for row in documented() if row[0] == "officers"])
        self.addCleanup(self.sender.close)
        self.addCleanup(self.listener.close)
        self.listener.reasons.address, self.listener.reasons.mac = UNIT, UNIT_MAC

    def answer(self, kind, payload, to_mac, good):
        self.sender.send(ethernet(DEVICE_MAC, to_mac, kind, payload))
        for _ in range(300):
            if any(good(packet) for packet in self.listener.of_the_unit()):
                return
            time.sleep(0.1)
        self.fail("no answer")

    def test_it_answers(self):
        to = ((UNIT_MAC, UNIT), (packets.EVERYBODY, "10.73.3.255"), (packets.mac_of_group("224.0.0.1"), "224.0.0.1"))
        for number, (to_mac, address) in enumerate(to, 1):
            self.answer(IPV4, packets.echo(DEVICE, address, number), to_mac,
                        lambda packet: (packet.protocol, packet.kind, packet.port) == ("icmp", 0, number))
        self.answer(IPV4, packets.tcp(DEVICE, 40001, UNIT, 22), UNIT_MAC, lambda packet: (packet.protocol, packet.port, packet.to) == ("tcp", 22, 40001))
        self.answer(IPV4, packets.udp(DEVICE, 40002, UNIT, 161, b"x"), UNIT_MAC, lambda packet: (packet.protocol, packet.kind) == ("icmp", 3))
        self.answer(ARP, packets.who_has(DEVICE_MAC, DEVICE, UNIT), packets.EVERYBODY, lambda packet: (packet.protocol, packet.kind) == ("arp", 2))
        # All but the echo to its own address and the answers of ARP; of IPv6 a kernel speaks by itself, when it likes.
        self.listener.reasons.devices = self.listener.sources()
        self.assertLessEqual({DEVICE}, self.listener.reasons.devices)
        found = {(packet.protocol, packet.kind, packet.port) for packet in self.listener.without_reason() if packet.protocol != "ethertype 86dd"}
        self.assertEqual(found, {("icmp", 0, 2), ("icmp", 0, 3), ("tcp", 0, 22), ("icmp", 3, 0)})

    def test_it_answers_by_ipv6(self):
        for to_mac, kind, payload in knocks.by_ipv6(DEVICE_MAC, [UNIT_MAC]):
            self.sender.send(ethernet(DEVICE_MAC, to_mac, kind, payload))
        wanted = {packets.address_bytes("fe80::ff:fe00:1")}
        for _ in range(300):
            heard = [said for ours, said in self.listener.frames if not ours and said[12:14] == b"\x86\xdd" and said[22:38] in wanted]
            kinds = {said[54] for said in heard if said[20] == 58}
            if {129, 136} <= kinds:  # an echo's answer, and a neighbour's
                return
            time.sleep(0.1)
        self.fail(f"ICMPv6 of the kinds {kinds}")


if __name__ == "__main__":
    unittest.main()

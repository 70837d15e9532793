"""Cables of the unit: each a network card of the machine, and at its other end a device in a network namespace of its own, with a
listener that hears every frame from before the machine is switched on. Needs root, and nothing of the computer's own network."""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/image"))
from devices import LEASE, Device
from listener import Listener
from namespaces import Namespace
from packets import ethernet
from table import documented

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000


def rows_of(network):
    return [row[1:] for row in documented() if row[0] == network]


class Cable(Device):
    """To a port that is `network`'s. `number` tells cables apart: it is the last byte of hardware addresses and of the device's
    own address, where it has one without asking for it."""

    def __init__(self, network, number, folder, address=None):
        folder = Path(folder) / f"cable{number}"
        folder.mkdir()
        super().__init__("eth0", f"{folder}/lease")
        Path(self.script).write_text(LEASE)
        Path(self.script).chmod(0o755)
        self.network, self.folder = network, folder
        self.port_mac, self.mac = f"52:54:00:00:01:{number:02x}", f"02:00:00:00:00:{number:02x}"
        self.namespace = Namespace()
        with self.namespace.inside():
            # A tap belongs to the namespace in which it is made, whoever reads it: the emulator stays outside.
            self.tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
        # Of IPv6 the device says what a test sends, and nothing by itself.
        self.namespace("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
        self.namespace("ip", "link", "set", "eth0", "address", self.mac, "up")
        with self.namespace.inside():
            self.listener = Listener("eth0", rows_of(network))
            # Another than the listener's, which does not hear what it sends itself.
            self.sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sender.bind(("eth0", 0))
        self.address = self.unit_mac = None
        if address:
            self.has(address)

    def has(self, address):
        """ADDRESS/LENGTH; from now on it is the device's."""
        self.namespace("ip", "address", "replace", address, "dev", "eth0")
        self.address = address.partition("/")[0]

    def unit_is(self, address, mac):
        """At this cable; the address is None where it has none."""
        self.unit_mac = mac
        self.listener.reasons.address, self.listener.reasons.mac = address, mac

    def ask(self, command):
        ran = subprocess.run(["nsenter", f"--net=/proc/{self.namespace.pid}/ns/net", "sh", "-c", command], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        return ran.returncode, ran.stdout

    def close(self):
        self.listener.close()
        self.sender.close()
        os.close(self.tap)
        self.namespace.close()

    # ---- the machine's side --------------------------------------------------------------------------------------------

    def options(self):
        """What the emulator takes. A card has nothing of its own to start from."""
        name = f"cable{self.port_mac[-2:]}"
        return ("-netdev", f"tap,id={name},fd={self.tap}", "-device", f"virtio-net-pci,netdev={name},mac={self.port_mac},romfile=")

    def at_the_unit(self):
        """For a shell there: the file with the hardware address of this cable's port, once that is one of a bridge's."""
        return f"$(grep -lx {self.port_mac} /sys/class/net/*/brport/../address)"

    # ---- frames --------------------------------------------------------------------------------------------------------

    def send(self, destination, kind, payload):
        """To a hardware address."""
        self.sender.send(ethernet(self.mac, destination, kind, payload))

    def send_all(self, frames):
        for frame in frames:
            self.send(*frame)

    def sent(self):
        """How many frames have gone to the machine. None is lost on the way: what does not fit waits."""
        return json.loads(self.namespace("ip", "-json", "-statistics", "link", "show", "eth0"))[0]["stats64"]["tx"]["packets"]

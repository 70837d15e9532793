"""Hears every frame on a cable of the unit, and says which of the unit's have no reason: no row of docs/ports.md that it sends by,
and nothing that came in by a row and that it answers."""

import contextlib
import socket
import struct
import threading

from packets import read

SOL_PACKET, PACKET_STATISTICS = 263, 6
EVERY_PROTOCOL = 0x0003
SO_RCVBUFFORCE = 33
ECHO, ECHO_REPLY = 8, 0
REQUEST, ANSWER = 1, 2
# From which port of the unit a row out goes.
SENT_FROM = {"68": 67, "5353": 5353}


class Listener:
    """Of one cable, in the namespace that it was made in. `rows` are those of the cable's network; what the unit's address and
    hardware address are there is said when they are known, and before that nothing it says has a reason."""

    def __init__(self, interface, rows):
        self.rows = {(direction, protocol, port) for direction, protocol, port in rows}
        self.address = self.mac = None
        self.frames, self.asked, self.devices, self.judged, self.lost = [], set(), set(), 0, 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.bind((interface, EVERY_PROTOCOL))
        self.socket.settimeout(1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.hear)
        self.thread.start()

    def hear(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                frame, said = self.socket.recvfrom(2048)
                self.frames.append((said[2] == socket.PACKET_OUTGOING, frame))

    def close(self):
        self.over.set()
        self.thread.join()
        self.socket.close()

    def mark(self):
        return len(self.frames)

    def of_the_unit(self, mark=0):
        """What the unit has sent since."""
        return [read(frame) for ours, frame in self.frames[mark:] if not ours]

    def without_reason(self):
        """Of all that came since this was last asked."""
        _, lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        assert not lost, f"{lost} frames were not heard"
        found, ends = [], len(self.frames)
        for ours, frame in self.frames[self.judged:ends]:
            packet = read(frame)
            if ours:
                self.note(packet)
            elif not (packet.mac == self.mac and self.has_reason(packet)):
                found.append(str(packet))
        self.judged = ends
        return found

    def note(self, packet):
        """What a device sent by a row may be answered."""
        self.devices.add(packet.source)
        port = "echo-request" if (packet.protocol, packet.kind) == ("icmp", ECHO) else str(packet.to)
        if ("in", packet.protocol, port) in self.rows and packet.destination == self.address:
            self.asked.add((packet.protocol, packet.source, packet.port, packet.to))

    def has_reason(self, packet):
        if packet.protocol == "arp":
            # Who has sent something is asked for, and who asks is answered.
            return packet.source == self.address and packet.destination in self.devices and packet.kind in (REQUEST, ANSWER)
        port = packet.destination if packet.protocol == "igmp" else str(packet.to)
        if ("out", packet.protocol, port) in self.rows:
            return packet.source == self.address and packet.port == SENT_FROM.get(port, packet.port)
        if packet.protocol == "icmp" and packet.kind != ECHO_REPLY:
            return False
        flow = (packet.protocol, packet.destination, packet.to, packet.port)
        if packet.protocol == "icmp":
            flow = (packet.protocol, packet.destination, packet.port, 0)
        return packet.source == self.address and flow in self.asked

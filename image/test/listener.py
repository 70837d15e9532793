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


class Reasons:
    """Of what the unit sends in one network. `rows` are (direction, protocol, port) of that network. The unit's address and hardware
    address there are said when they are known; before that nothing it sends has a reason."""

    def __init__(self, rows):
        self.rows = set(rows)
        self.address = self.mac = None
        # Who may be asked for a hardware address: the devices of the whole network, at whichever of its cables.
        self.devices = set()
        self.asked = set()

    def note(self, packet):
        """A device has sent this by the cable: what came by a row may be answered."""
        port = "echo-request" if (packet.protocol, packet.kind) == ("icmp", ECHO) else str(packet.to)
        if ("in", packet.protocol, port) in self.rows and packet.destination == self.address:
            self.asked.add((packet.protocol, packet.source, packet.port, packet.to))

    def has(self, packet):
        if packet.mac != self.mac or packet.source != self.address:
            return False
        if packet.protocol == "arp":
            return packet.destination in self.devices and packet.kind in (REQUEST, ANSWER)
        if packet.about:
            # A program of a row is not there, while the unit starts or stops.
            return packet.about in self.asked and packet.destination == packet.about[1]
        if packet.protocol == "icmp":
            return packet.kind == ECHO_REPLY and ("icmp", packet.destination, packet.port, 0) in self.asked
        to = packet.destination if packet.protocol == "igmp" else str(packet.to)
        if ("out", packet.protocol, to) in self.rows and packet.port == SENT_FROM.get(to, packet.port):
            return True
        return (packet.protocol, packet.destination, packet.to, packet.port) in self.asked


class Listener:
    """Of one cable, in the namespace that it is made in, until it is closed. What came before `mark()` can be left out."""

    def __init__(self, interface, rows):
        self.reasons = Reasons(rows)
        self.frames, self.judged = [], 0
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

    def skip(self):
        """What came until now is not judged."""
        self.judged = self.mark()

    def of_the_unit(self, mark=0):
        """What the unit has sent since."""
        return [read(frame) for ours, frame in self.frames[mark:] if not ours]

    def sources(self):
        """Of what was sent since without_reason() was last asked."""
        return {read(frame).source for ours, frame in self.frames[self.judged:] if ours}

    def without_reason(self):
        """Of all that came since this was last asked."""
        _, lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        assert not lost, f"{lost} frames were not heard"
        found, ends = [], len(self.frames)
        for ours, frame in self.frames[self.judged:ends]:
            packet = read(frame)
            if ours:
                self.reasons.note(packet)
            elif not self.reasons.has(packet):
                found.append(packet)
        self.judged = ends
        return found

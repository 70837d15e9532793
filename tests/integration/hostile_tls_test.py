"""Clients that are hostile to the TLS front: before, in and after the handshake. Each test has officers at work
beside it (hostile.py)."""

import contextlib
import itertools
import random
import resource
import socket
import ssl
import subprocess
import threading
import unittest

import hostile
from hostile import is_closed, read_all, reset, statuses

REQUEST = b"GET /_matrix/client/versions HTTP/1.1\r\nHost: gims.internal\r\nConnection: close\r\n\r\n"
HANDSHAKES, HANDSHAKES_OF_ADDRESS, CONNECTIONS_OF_ADDRESS = 1024, 256, 1024  # docs/limits.md


def client_hello():
    """The first flight of an ordinary client."""
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    connection = context.wrap_bio(received, sent, server_hostname="gims.internal")
    with contextlib.suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return sent.read()


class HostileTls(hostile.HostileTest):
    def connections(self):
        text = self.site.gimsctl("--json", "status")
        return int(text.split('"connections":')[1].split(",")[0])

    def all_closed(self, connections):
        return self.wait_for("the end of every connection", lambda: all(map(is_closed, connections)))

    def test_half_open_connections(self):
        """10,000 (or what the machine has descriptors for) that say nothing, of 40 addresses: for each that is over the limits one is closed at once, the
        rest at the handshake's deadline. Nobody else's connections are touched."""
        number = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
        with self.attack(f"{number} half-open connections"):
            connections = []
            for i in range(number):
                connections.append(self.tcp(f"127.0.1.{1 + i % 40}"))
            most = self.cost()["gims-tlsd"][1]
            self.assertLess(most, HANDSHAKES + 400, "descriptors: handshakes, the officers' connections, and few more")
            self.all_closed(connections)
            for connection in connections:
                connection.close()

    def test_one_address_leaves_room_for_others(self):
        with self.attack("half-open connections of one address"):
            connections = [self.tcp() for _ in range(HANDSHAKES_OF_ADDRESS + 100)]
            # A newcomer is served at the same time.
            with self.tls("127.0.0.3") as other:
                other.sendall(REQUEST)
                self.assertEqual(statuses(read_all(other)), [200])
            self.all_closed(connections)
            for connection in connections:
                connection.close()

    def test_a_few_addresses_do_not_shut_the_front(self):
        """Eight addresses take every handshake that there can be, and take them again as soon as they lose them: who
        comes from another address is served all the same."""
        stop = threading.Event()

        def hold(address):
            held = []
            while not stop.is_set():
                held = [one for one in held if not (is_closed(one) and (one.close() or True))]
                with contextlib.suppress(OSError):
                    held += [self.tcp(address) for _ in range(HANDSHAKES_OF_ADDRESS - len(held))]
                stop.wait(0.05)
            for one in held:
                one.close()
        with self.attack("handshakes held by eight addresses", memory=8):
            threads = [threading.Thread(target=hold, args=(f"127.0.2.{i}",)) for i in range(1, 9)]
            for thread in threads:
                thread.start()
            try:
                self.wait_for("every place to be taken", lambda: self.cost()["gims-tlsd"][1] >= HANDSHAKES)
                for i in range(1, 41):
                    with self.tls(f"127.0.3.{i}") as newcomer:
                        newcomer.sendall(REQUEST)
                        self.assertEqual(statuses(read_all(newcomer)), [200])
            finally:
                stop.set()
                for thread in threads:
                    thread.join()

    def test_slow_handshakes(self):
        """A ClientHello that comes byte by byte and never ends."""
        hello = client_hello()
        with self.attack("slowloris in the handshake", memory=32):
            connections = [self.tcp() for _ in range(200)]
            for at in itertools.count():
                open_ones = [connection for connection in connections if not is_closed(connection)]
                if not open_ones:
                    break
                for connection in open_ones:
                    with contextlib.suppress(OSError):
                        connection.send(hello[at:at + 1] if at < len(hello) - 1 else b"")
                self.assertLess(at, 100_000, "one may take for ever")
            for connection in connections:
                connection.close()

    def test_idle_after_the_handshake(self):
        """More than an address may have. Those that say nothing are closed by gimsd."""
        with self.attack("idle connections of one address", memory=CONNECTIONS_OF_ADDRESS * 64 // 1024):
            connections, refused = [], 0
            for _ in range(CONNECTIONS_OF_ADDRESS + 50):
                try:
                    connections.append(self.tls())
                except OSError:
                    refused += 1
            self.assertLessEqual(len(connections) - sum(map(is_closed, connections)), CONNECTIONS_OF_ADDRESS)
            print(f"  {len(connections)} were taken, {refused} refused")
            self.all_closed(connections)
            for connection in connections:
                connection.close()

    def test_bytes_one_by_one(self):
        """Slow, and right: a handshake in writes of one byte, then a request in records of one byte."""
        with self.attack("writes and records of one byte"):
            for _ in range(5):
                sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
                context = ssl.create_default_context(cafile=self.site.ca)
                connection = context.wrap_bio(received, sent, server_hostname="127.0.0.1")
                with self.tcp() as tcp:
                    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

                    def flush():
                        for byte in sent.read():
                            tcp.send(bytes([byte]))

                    def step(act):
                        while True:
                            try:
                                return act()
                            except ssl.SSLWantReadError:
                                flush()
                                piece = tcp.recv(1 << 16)
                                received.write(piece) if piece else received.write_eof()

                    step(connection.do_handshake)
                    for byte in REQUEST:
                        connection.write(bytes([byte]))
                    flush()
                    self.assertEqual(step(lambda: connection.read(12)), b"HTTP/1.1 200")

    def test_handshake_in_tiny_records(self):
        """A ClientHello of one byte a record: RFC 8446 allows it, mbedTLS wants the head of a message in one record, and closes
        at once. Records of four bytes, the smallest that it takes, are answered with a ServerHello."""
        hello = client_hello()

        def in_records_of(size):
            body = hello[5:]
            parts = [body[at:at + size] for at in range(0, len(body), size)]
            return b"".join(hello[:3] + len(part).to_bytes(2, "big") + part for part in parts)
        with self.attack("a ClientHello in records of one byte", memory=16):
            connections = []
            for _ in range(100):
                connections.append(self.tcp())
                with contextlib.suppress(OSError):
                    connections[-1].sendall(in_records_of(1))
            for connection in connections:
                self.assertEqual(read_all(connection), b"")
                connection.close()
            for size in (4, 5, 100, len(hello)):
                with self.subTest(size=size), self.tcp() as connection:
                    connection.sendall(in_records_of(size))
                    connection.shutdown(socket.SHUT_WR)
                    answer = read_all(connection)
                    self.assertEqual((answer[:1], answer[5:6]), (b"\x16", b"\x02"))

    def test_no_tls(self):
        numbers = random.Random(3)
        hello = client_hello()

        def record(kind, body, size=None):
            return bytes([kind, 3, 3]) + (len(body) if size is None else size).to_bytes(2, "big") + body
        inputs = [
            b"GET / HTTP/1.1\r\nHost: gims.internal\r\n\r\n", b"\0" * 4096, b"\x80\x2e\1\0\2" + b"\0" * 41,
            record(22, b"\1" * 100, 0xffff), record(22, b""), record(22, b"") * 2000, record(20, b"\1") * 2000,
            record(21, b"\1\0") * 2000, record(23, b"x" * 16384), hello[:-1] + b"\xff", hello[:9] + b"\xff" * (len(hello) - 9),
            hello + hello, hello + record(20, b"\1") * 1000, hello + record(21, b"\2\0"), hello + record(23, b"x" * 100) * 50,
            record(22, b"\1\xff\xff\xff" + b"\0" * 16380) * 8,
            *(numbers.randbytes(numbers.randrange(1, 2000)) for _ in range(60)),
            *(damaged(hello, numbers) for _ in range(200)),
        ]
        with self.attack(f"{len(inputs)} openings that are no TLS", memory=16):
            before = self.connections()
            for opening in inputs:
                with self.tcp() as connection:
                    connection.sendall(opening)
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_WR)
                    answer = read_all(connection)
                    self.assertNotIn(b"HTTP/", answer)
            self.assertLessEqual(self.connections(), before + 2, "none of them came to gimsd")

    def test_early_ends(self):
        """Reset, closed or half closed, at every point. Only what is whole is answered; every connection ends, here and in gimsd."""
        ends = {"reset": reset, "close": lambda one: one.close(),
                "half close": lambda one: socket.socket.shutdown(one, socket.SHUT_WR)}
        post = (b"POST /_matrix/client/v3/login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", b'{"type":')
        sent = [(), (REQUEST[:20],), (REQUEST,), (post[0],), post, (REQUEST * 20,)]
        with self.attack("early ends", memory=16):
            before = self.connections()
            kept = []
            for (name, end), parts, _ in itertools.product(ends.items(), sent, range(10)):
                one = self.tls()
                for part in parts:
                    one.sendall(part)
                end(one)
                if name == "half close":
                    kept.append((one, parts))
            for (name, end), _ in itertools.product(ends.items(), range(50)):
                one = self.tcp()
                one.sendall(client_hello())
                end(one)
                if name == "half close":
                    kept.append((one, ()))
            for one, parts in kept:
                # An end of TCP alone could be anyone's: what was asked before it may be answered or not.
                answered, asked = statuses(read_all(one)), b"".join(parts).count(REQUEST)
                self.assertIn(answered, [[200] * n for n in range(asked + 1)], parts)
                one.close()
            self.wait_for("the end of every connection in gimsd", lambda: self.connections() <= before)

    def test_renegotiation(self):
        with self.attack("renegotiation of TLS 1.2", memory=16), self.s_client("-tls1_2") as client:
            client.stdin.write(b"R\n")
            client.stdin.flush()
            output = client.stdout.read().decode(errors="replace")  # to its end: it is over
            self.assertRegex(output, "RENEGOTIATING\n.*:no renegotiation:")

    def test_key_updates(self):
        """TLS 1.3: new keys of the client's, and, where it asks for them, of the server's. The connection goes on with them."""
        with self.attack("key updates of TLS 1.3", memory=16):
            for command in (b"k\n", b"K\n") * 10:
                with self.s_client("-tls1_3", "-crlf") as client:
                    for _ in range(5):
                        # One at a time: what it reads together with a command is for the server.
                        client.stdin.write(command)
                        client.stdin.flush()
                        while b"KEYUPDATE" not in (line := client.stdout.readline()):
                            self.assertNotEqual(line, b"", "the connection ended at an update of keys")
                    client.stdin.write(REQUEST.replace(b"\r", b""))
                    client.stdin.flush()
                    self.assertIn(b"HTTP/1.1 200 ", client.stdout.read())  # to its end

    @contextlib.contextmanager
    def s_client(self, *options):
        command = ["openssl", "s_client", *options, "-bind", "127.0.0.2", "-connect", f"127.0.0.1:{self.site.port}",
                   "-CAfile", self.site.ca]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            while (read := client.stdout.readline()) and b"Verify return code" not in read:
                pass
            self.assertIn(b"Verify return code: 0", read)
            yield client


def damaged(hello, numbers):
    bytes_ = bytearray(hello)
    for _ in range(numbers.randrange(1, 8)):
        bytes_[numbers.randrange(len(bytes_))] = numbers.randrange(256)
    return bytes(bytes_[:numbers.randrange(1, len(bytes_) + 1)])


if __name__ == "__main__":
    unittest.main()

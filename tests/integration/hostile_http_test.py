"""Clients that are hostile to the HTTP layer. Each test has officers at work beside it (hostile.py)."""

import concurrent.futures
import contextlib
import ssl
import unittest

import hostile
from hostile import MIB, is_closed, read_all, statuses

HOST = b"Host: gims.internal\r\n"
SMUGGLED = b"GET /_matrix/client/v3/account/whoami HTTP/1.1\r\n" + HOST + b"\r\n"
VERSIONS = b"GET /_matrix/client/versions HTTP/1.1\r\n" + HOST
LOGIN = b"POST /_matrix/client/v3/login HTTP/1.1\r\n" + HOST
UPLOAD = b"POST /_matrix/media/v3/upload HTTP/1.1\r\n" + HOST + b"Content-Type: application/octet-stream\r\n"
UPLOAD_LIMIT = 8 * MIB  # hostile.ShortTimes

# What two parsers could read differently: each is refused, or ends the connection, and nothing behind it
# is read as a request. None stands for an end without an answer.
AMBIGUOUS = {
    "both lengths": LOGIN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both, the other way round": LOGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": LOGIN + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "two equal lengths": LOGIN + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a list of lengths": LOGIN + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED,
    "a length with a sign": LOGIN + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "a negative length": LOGIN + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a length in hex": LOGIN + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED,
    "a length beyond 64 bits": LOGIN + b"Content-Length: 18446744073709551616\r\n\r\n" + SMUGGLED,
    "an empty length": LOGIN + b"Content-Length: \r\n\r\n" + SMUGGLED,
    "two encodings": LOGIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an unknown encoding": LOGIN + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked is not the last": LOGIN + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked after another": LOGIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an encoding behind a tab": LOGIN + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "encoding in HTTP/1.0": LOGIN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before the colon": LOGIN + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a length with a space before the colon": LOGIN + b"Content-Length : 0\r\n\r\n" + SMUGGLED,
    "a folded header": LOGIN + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "a folded encoding": LOGIN + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a header that begins with a space": b"GET /_matrix/client/versions HTTP/1.1\r\n X: a\r\n" + HOST + b"\r\n" + SMUGGLED,
    "bare LF": LOGIN.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + SMUGGLED,
    "bare LF in one header": LOGIN + b"X: a\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "bare CR": VERSIONS + b"X: a\rContent-Length: 5\r\n\r\n" + SMUGGLED,
    "bare CR at the end of a line": LOGIN + b"Content-Length: 0\r\r\n\r\n" + SMUGGLED,
    "an empty line before the request": b"\r\n" + VERSIONS + b"\r\n" + SMUGGLED,
    "NUL in a value": VERSIONS + b"X: a\0b\r\n\r\n" + SMUGGLED,
    "NUL in a name": VERSIONS + b"X\0Y: a\r\n\r\n" + SMUGGLED,
    "NUL in the target": b"GET /_matrix/client/ver\0sions HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED,
    "no colon": VERSIONS + b"X\r\n\r\n" + SMUGGLED,
    "no name": VERSIONS + b": a\r\n\r\n" + SMUGGLED,
    "two hosts": VERSIONS + b"Host: other\r\n\r\n" + SMUGGLED,
    "no host": b"GET /_matrix/client/versions HTTP/1.1\r\n\r\n" + SMUGGLED,
    "two spaces in the request line": b"GET  /_matrix/client/versions HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED,
    "a space in the target": b"GET /_matrix/client/ versions HTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED,
    "a tab in the request line": b"GET\t/_matrix/client/versions\tHTTP/1.1\r\n" + HOST + b"\r\n" + SMUGGLED,
    "no version": b"GET /_matrix/client/versions\r\n\r\n" + SMUGGLED,
    "another version": b"GET /_matrix/client/versions HTTP/2.0\r\n" + HOST + b"\r\n" + SMUGGLED,
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "a bad chunk size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + SMUGGLED,
    "a negative chunk size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + SMUGGLED,
    "a chunk size with 0x": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
    "a chunk size beyond 64 bits": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + SMUGGLED,
    "a chunk longer than its size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk extension": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\n\r\n" + SMUGGLED,
    "bare LF after a chunk size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + SMUGGLED,
    "bare CR after a chunk size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2;a\r{}\r\n0\r\n\r\n" + SMUGGLED,
}
# Read in one way by all, and then the next request: (the request, its status).
PLAIN = {
    "absolute-form": (b"GET https://gims.internal/_matrix/client/versions HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    "authority-form": (b"GET gims.internal:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "another scheme": (b"GET file:///etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a relative target": (b"GET _matrix/client/versions HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "asterisk-form": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", None),
    "chunks": (LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 400),
    "chunks with a trailer": (LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n", 400),
    "a header of bytes above 127": (VERSIONS + b"X: \xff\xfe\r\n\r\n", 200),
    "a method of its own": (b"BREW /_matrix/client/versions HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "CONNECT": (b"CONNECT /_matrix/client/versions HTTP/1.1\r\n" + HOST + b"\r\n", 405),
}


class HostileHttp(hostile.HostileTest):
    def answer(self, request, address="127.0.0.2"):
        """Everything that is answered until the connection's end."""
        with self.tls(address) as connection:
            self.push(connection, request)
            return read_all(connection)

    def push(self, connection, data):
        """As much as the server takes. A client that is cut need not see it while it writes."""
        with contextlib.suppress(OSError):
            connection.sendall(data)
            return True
        return False

    def test_requests_that_two_could_read_differently(self):
        requests = AMBIGUOUS | {name: request + SMUGGLED for name, (request, _) in PLAIN.items()}
        # Together: some leave the server waiting for more, until they have been idle for long enough.
        with self.attack("request smuggling", memory=8), concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            answers = dict(zip(requests, pool.map(self.answer, requests.values())))
        for name in AMBIGUOUS:
            with self.subTest(name):
                found = statuses(answers[name])
                self.assertLessEqual(len(found), 1, f"{found}: what was smuggled was read")
                self.assertTrue(all(status >= 400 and status != 401 for status in found), found)
        for name, (_, status) in PLAIN.items():
            with self.subTest(name):
                found = statuses(answers[name])
                self.assertEqual(len(found), 2, found)
                self.assertIn(found[0], (status,) if status else range(200, 405))
                self.assertEqual(found[1], 401)

    def test_large_heads(self):
        heads = {"one header of 1 MB": b"X: " + b"a" * MIB + b"\r\n", "10,000 headers": b"X: aaaa\r\n" * 10_000,
                 "50,000 headers without a value": b"a:\r\n" * 50_000}
        with self.attack("heads of 1 MB", memory=16):
            for name, head in heads.items():
                with self.subTest(name):
                    self.assertIn(statuses(self.answer(VERSIONS + head + b"\r\n")), ([431], []))
            target = b"GET /" + b"a" * MIB + b" HTTP/1.1\r\n" + HOST + b"\r\n"
            self.assertIn(statuses(self.answer(target)), ([414], [431], [400], []))
            self.assertEqual(statuses(self.answer(b"GET /?" + b"a&" * 129 + b" HTTP/1.1\r\n" + HOST + b"\r\n")), [400])
            self.assertEqual(statuses(self.answer(b"GET " + b"/a" * 33 + b" HTTP/1.1\r\n" + HOST + b"\r\n")), [400])
            # Many at once, none of which ends.
            connections = [self.tls() for _ in range(200)]
            for connection in connections:
                self.push(connection, VERSIONS + b"X: " + b"a" * 15_000)
            self.wait_for("their end", lambda: all(map(is_closed, connections)))
            for connection in connections:
                connection.close()

    def test_slow_heads_and_bodies(self):
        """Byte by byte: cut when they have had their time, whatever they go on to send."""
        body = LOGIN + b"Content-Length: 16000\r\n\r\n"
        chunk = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n"
        with self.attack("slowloris in head and body", memory=24):
            connections = [(self.tls(), more) for start, more in ((VERSIONS + b"X: ", b"a"), (body, b" "), (chunk, b"1\r\n \r\n"))
                           for _ in range(100) if start]
            for number, (connection, _) in enumerate(connections):
                connection.sendall((VERSIONS + b"X: ", body, chunk)[number // 100])

            def trickle():
                still = [one for one in connections if not is_closed(one[0])]
                for connection, more in still:
                    self.push(connection, more)
                return not still
            self.wait_for("the end of all", trickle)
            for connection, _ in connections:
                connection.close()

    def test_endless_chunks(self):
        """To a route with a bound of 16 KiB, without ever an end; and 3 million chunks of one byte."""
        with self.attack("endless chunked bodies", memory=16):
            for chunk in (b"4000\r\n" + b" " * 0x4000 + b"\r\n", b"1\r\n \r\n" * 4096):
                with self.tls() as connection:
                    self.push(connection, LOGIN + b"Transfer-Encoding: chunked\r\n\r\n")
                    sent = 0
                    while self.push(connection, chunk):
                        sent += len(chunk)
                        self.assertLess(sent, 200 * MIB, "it takes all")
                    self.assertIn(statuses(read_all(connection)), ([413], []))

    def test_uploads_without_end(self):
        """10 GB: declared, it is refused before its first byte; undeclared, it is cut at the limit. Nothing of it
        stays."""
        uploader = self.attacker("uploader")
        token = f"Authorization: Bearer {uploader.token}\r\n".encode()
        piece = b"100000\r\n" + b"x" * MIB + b"\r\n"
        before = self.stored()
        with self.attack("uploads of 10 GB", memory=48):
            self.assertEqual(statuses(self.answer(UPLOAD + token + b"Content-Length: 10737418240\r\n\r\n")), [413])
            self.assertEqual(statuses(self.answer(UPLOAD + b"Content-Length: 10737418240\r\n\r\n")), [413])
            for _ in range(3):
                with self.tls() as connection:
                    self.push(connection, UPLOAD + token + b"Transfer-Encoding: chunked\r\n\r\n")
                    sent = 0
                    while self.push(connection, piece):
                        sent += MIB
                        # What the sockets on the way hold is sent, too.
                        self.assertLess(sent, UPLOAD_LIMIT + 64 * MIB, "it takes all")
                    self.assertIn(statuses(read_all(connection)), ([413], []))
            # Broken off halfway: 16 at once, which is as many as one may have.
            connections = [self.tls() for _ in range(20)]
            for connection in connections:
                self.push(connection, UPLOAD + token + b"Transfer-Encoding: chunked\r\n\r\n" + piece)
            for connection in connections:
                connection.close()
        self.wait_for("nothing of them on the disk", lambda: not [
            path for path in (self.site.folder / "gimsd").rglob("*")
            if path.is_file() and path.stat().st_size > MIB // 2 and not path.name.startswith("gims.db")])
        self.assertLess(self.stored() - before, 4 * MIB)

    def test_json(self):
        writer = self.attacker("json.writer")
        token = f"Authorization: Bearer {writer.token}\r\n".encode()
        create = b"POST /_matrix/client/v3/createRoom HTTP/1.1\r\n" + HOST + token
        wide = "{" + ",".join(f'"{n}":0' for n in range(70_000)) + "}"
        bodies = {
            "deep": (b"[" * 500_000, 400), "deep and whole": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
            "65 deep": (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 400), "a member twice": (b'{"a":1,"a":2}', 400),
            "wide": (wide.encode(), 200), "numbers": (b'{"a":[' + b"0," * 400_000 + b"0]}", 200),
            "a long number": (b'{"a":' + b"9" * 900_000 + b"}", 400), "no UTF-8": (b'{"a":"\xff"}', 400),
            "half a pair": (b'{"a":"\\ud800"}', 400), "NaN": (b'{"a":NaN}', 400), "cut": (b'{"a":"', 400),
            "escapes": (b'{"a":"' + b"\\u0041" * 150_000 + b'"}', 200), "too large": (b" " * (MIB + 1) + b"{}", 413),
        }
        with self.attack("deep and wide JSON", memory=64):
            for name, (body, status) in bodies.items():
                with self.subTest(name):
                    head = create + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    self.assertEqual(statuses(self.answer(head + body)), [status])

    def test_pipelined_requests(self):
        """500 in one write are answered in their order; a client that reads no answer is served no more of them
        than its connection holds."""
        with self.attack("pipelined requests", memory=24):
            last = VERSIONS + b"Connection: close\r\n\r\n"
            # Every second one has no token and is refused.
            found = statuses(self.answer((VERSIONS + b"\r\n" + SMUGGLED) * 250 + last))
            self.assertEqual(found, [200, 401] * 250 + [200])

            # One that reads none: the server holds what its sockets hold, and takes no more requests.
            with self.tls(room=4096) as connection:
                connection.setblocking(False)
                sent = 0

                def no_more():
                    nonlocal sent
                    taken = 0
                    with contextlib.suppress(ssl.SSLWantWriteError):
                        while piece := connection.send((VERSIONS + b"\r\n") * 100):
                            taken += piece
                            self.assertLess(sent + taken, 100 * MIB, "it takes all")
                    sent += taken
                    return not taken
                self.wait_for("a full connection", no_more)


if __name__ == "__main__":
    unittest.main()

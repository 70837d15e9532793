"""A gimsd-testsite of the test's own, and requests to it."""

import http.client
import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode


@dataclass
class Answer:
    method: str
    path: str
    status: int
    headers: dict
    raw: bytes
    body: object = field(default=None)

    def __str__(self):
        return f"{self.method} {self.path} -> {self.status} {self.raw[:400]!r}"


class Testsite:
    """Started by 'with'; stopped by SIGTERM, which must end it with exit status 0."""

    def __init__(self, program, *options):
        self.program, self.options = program, options

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gims-contract-")
        self.log = open(f"{self.folder.name}/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.program, "--listen", "127.0.0.1:0", "--server-name", "gims.internal", "--data",
             f"{self.folder.name}/data", "--shared-secret", "contract", "--relay-host", "turn.example.org", *self.options],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait()
            raise RuntimeError(f"gimsd-testsite did not start: {self.words()}")
        self.address = line.removeprefix("listening on ").strip()
        self.connection = http.client.HTTPConnection(self.address, timeout=60)
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        self.folder.cleanup()

    def words(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-4000:]

    def ask(self, method, path, body=None, token=None, headers=None, raw=None):
        """`body` is sent as JSON, `raw` as it is."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, body=data, headers=sent)
                response = self.connection.getresponse()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # The server may close an idle connection, and does after a refusal of a long body.
                self.connection.close()
                if attempt == 2:
                    raise
        answer = Answer(method, path, response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        if answer.headers.get("content-type", "").startswith("application/json") and answer.raw:
            answer.body = json.loads(answer.raw)
        return answer


def fill(template, **values):
    """The path of a route's template; parameters that are not given are 'x'."""
    parts = []
    for part in template.split("/"):
        if part.startswith("{"):
            part = quote(str(values.get(part.strip("{}").rstrip("?"), "x")), safe="")
        parts.append(part)
    return "/".join(parts)


def query(**arguments):
    return "?" + urlencode(arguments)

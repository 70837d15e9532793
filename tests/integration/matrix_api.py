"""As much of a Matrix client as the integration tests need, over aiohttp."""

import asyncio
import base64
import json
import ssl
import urllib.parse
from collections import Counter

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status, body, what):
        super().__init__(f"{what}: {status} {body}")
        self.status, self.body = status, body

    @property
    def errcode(self):
        return self.body.get("errcode") if isinstance(self.body, dict) else None


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def quoted(text):
    return urllib.parse.quote(text, safe="")


class Client:
    """One device. Not a browser: every request says what it wants, and errors are raised."""

    def __init__(self, url, ca=None, name=None):
        """`name` is the server's, where that is not in the URL."""
        self.url, self.name = url, name
        context = ssl.create_default_context(cafile=ca) if ca else None
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context or True, limit=0),
                                             timeout=aiohttp.ClientTimeout(total=60))
        self.token = self.user_id = self.device_id = None
        self.troubles = Counter()  # what persistently() went over, by status or kind

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.session.close()

    async def raw(self, method, path, body=None, **query):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(method, self.url + path, json=body, headers=headers, server_hostname=self.name,
                                        params={k: str(v) for k, v in query.items() if v is not None}) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def call(self, method, path, body=None, **query):
        """The answer's body; waits as it is told to when there are too many requests."""
        while True:
            status, answer = await self.raw(method, path, body, **query)
            if status == 429:
                await asyncio.sleep(answer.get("retry_after_ms", 100) / 1000)
                continue
            if status != 200:
                raise Refused(status, answer, f"{method} {path}")
            return answer

    async def persistently(self, method, path, body=None, **query):
        """As call, again and again while there is no server. For requests that may be repeated."""
        while True:
            try:
                return await self.call(method, path, body, **query)
            except (aiohttp.ClientError, asyncio.TimeoutError, ConnectionError) as failure:
                self.troubles[type(failure).__name__] += 1
                await asyncio.sleep(0.02)
            except Refused as refused:
                # As a proxy between would answer while gimsd is away, or gimsd when it stops.
                if refused.status not in (502, 503, 504):
                    raise
                self.troubles[refused.status] += 1
                await asyncio.sleep(0.02)

    async def login(self, user, password, device_id=None):
        answer = await self.call("POST", "/_matrix/client/v3/login", {
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password,
            **({"device_id": device_id} if device_id else {})})
        self.token, self.user_id, self.device_id = answer["access_token"], answer["user_id"], answer["device_id"]
        return answer

    async def create_room(self, **content):
        return (await self.call("POST", "/_matrix/client/v3/createRoom", content))["room_id"]

    async def join(self, room):
        await self.call("POST", f"/_matrix/client/v3/rooms/{quoted(room)}/join", {})

    def send_path(self, room, txn, kind="m.room.encrypted"):
        return f"/_matrix/client/v3/rooms/{quoted(room)}/send/{kind}/{quoted(txn)}"

    async def messages(self, room):
        """Every event of the room's timeline that this user may see, oldest first."""
        events, place = [], None
        while True:
            answer = await self.call("GET", f"/_matrix/client/v3/rooms/{quoted(room)}/messages", dir="f", limit=500, **{"from": place})
            events += answer["chunk"]
            if not answer.get("end"):
                return events
            place = answer["end"]


class together:
    """Several clients, closed together."""

    def __init__(self, clients):
        self.clients = clients

    async def __aenter__(self):
        return self.clients

    async def __aexit__(self, *_):
        for client in self.clients:
            await client.session.close()


def encrypted(counter):
    """Content with the form of an encrypted message. The server cannot tell; the tests count them."""
    return {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": f"AwgA{counter:08d}", "sender_key": "k", "device_id": "D",
            "session_id": "s", "gims.counter": counter}


class DeviceKeys:
    """A device's keys, signed as the specification asks for."""

    def __init__(self, user_id, device_id):
        self.user_id, self.device_id = user_id, device_id
        self.signing = Ed25519PrivateKey.generate()

    def signed(self, content):
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return content | {"signatures": {self.user_id: {f"ed25519:{self.device_id}": unpadded(self.signing.sign(text))}}}

    def device_keys(self):
        return self.signed({
            "user_id": self.user_id, "device_id": self.device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {f"curve25519:{self.device_id}": new_curve_key(),
                     f"ed25519:{self.device_id}": unpadded(self.signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}})

    def one_time_keys(self, first, count):
        return {f"signed_curve25519:K{i:06d}": self.signed({"key": new_curve_key()}) for i in range(first, first + count)}


def new_curve_key():
    return unpadded(X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

"""The machine's wall clock jumps, forwards and back, while officers work: waits and limits do not notice, the
order of events stays that of sending, nothing is lost or there twice, and the door stays open."""

import asyncio
import contextlib
import json
import mmap
import socket
import ssl
import struct
import time

import matrix_api
import rig
from cryptography import x509
from rig import BUILD, SiteTest

SHIFTED_CLOCK = BUILD / "tests/support/libgims_shifted_clock.so"
HOUR = 3_600_000
DAY = 24 * HOUR


class ClockTest(SiteTest):
    started = False

    def setUp(self):
        super().setUp()
        control = self.site.folder / "clock"
        control.parent.mkdir(parents=True)
        control.write_bytes(bytes(8))
        control.chmod(0o644)
        for process in (self.site.keyd, self.site.gimsd, self.site.tlsd):
            process.environment = {"LD_PRELOAD": str(SHIFTED_CLOCK), "GIMS_SHIFTED_CLOCK": str(control)}
        with open(control, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), 8)
        self.addCleanup(self.control.close)
        self.site.start()

    def shift(self, ms):
        """The site's clock is ahead of ours by so much, from now on."""
        self.control[0:8] = struct.pack("=q", ms)
        self.ahead = ms

    def blind(self):
        """A client that does not look at the certificate's dates."""
        client = self.client()
        context = ssl.create_default_context(cafile=self.site.ca)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.session._connector._ssl = context
        return client

    # ---- messages -----------------------------------------------------------------------------------------

    def test_order_and_waits(self):
        async def scenario():
            passwords = {name: self.site.add_user(name) for name in ("one", "other")}
            async with matrix_api.together([self.blind(), self.blind()]) as (one, other):
                await one.login("one", passwords["one"])
                await other.login("other", passwords["other"])
                room = await one.create_room(preset="private_chat", invite=[other.user_id])
                await other.join(room)
                self.sent, self.got, self.to_device = [], [], []
                self.since = (await other.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
                for shift in (DAY, -2 * DAY, 0, 400 * DAY, HOUR, -HOUR, 0):
                    await self.jump(shift, room, one, other)
                await self.check(room, one, other)
        asyncio.run(scenario())

    async def poll(self, client, timeout):
        # The limit is for a hang; a poll that outlasts its end is one.
        return await asyncio.wait_for(client.call("GET", "/_matrix/client/v3/sync", since=self.since, timeout=timeout), 100)

    def take(self, news, room):
        self.since = news["next_batch"]
        joined = news.get("rooms", {}).get("join", {}).get(room, {"timeline": {"events": []}})
        self.assertFalse(joined["timeline"].get("limited"))
        self.got += [event["event_id"] for event in joined["timeline"]["events"]]
        self.to_device += [event["content"]["n"] for event in news.get("to_device", {}).get("events", [])]

    async def jump(self, shift, room, one, other):
        number = len(self.sent)
        # A poll that waits is not woken by the jump, nor does it outlast its end.
        waiting = asyncio.create_task(self.poll(other, 50_000))
        for _ in range(2):  # by then the poll has arrived
            await one.call("GET", "/_matrix/client/v3/account/whoami")
        self.shift(shift)
        before = int(time.time() * 1000) + shift
        sent = await one.call("PUT", one.send_path(room, f"t{number}"), matrix_api.encrypted(number))
        after = int(time.time() * 1000) + shift
        self.sent.append((sent["event_id"], before, after))
        news = await waiting
        self.assertIn(room, news.get("rooms", {}).get("join", {}), "the poll ended of the jump")
        self.take(news, room)
        await one.call("PUT", f"/_matrix/client/v3/sendToDevice/m.test/d{number}", {
            "messages": {other.user_id: {other.device_id: {"n": number}}}})
        self.take(await self.poll(other, 50_000), room)
        # A short one ends by itself.
        self.take(await self.poll(other, 100), room)
        # What was sent before the jump, sent again, is not there twice.
        for old, (event_id, _, _) in enumerate(self.sent):
            again = await one.call("PUT", one.send_path(room, f"t{old}"), matrix_api.encrypted(old))
            self.assertEqual(again["event_id"], event_id)

    async def check(self, room, one, other):
        events = [event for event in await other.messages(room) if event["type"] == "m.room.encrypted"]
        self.assertEqual([event["event_id"] for event in events], [event_id for event_id, _, _ in self.sent])
        self.assertEqual(self.got, [event_id for event_id, _, _ in self.sent])
        self.assertEqual(self.to_device, list(range(len(self.sent))))
        for event, (_, before, after) in zip(events, self.sent):
            self.assertLessEqual(before, event["origin_server_ts"] + 1)
            self.assertLessEqual(event["origin_server_ts"], after)
        self.assertEqual(await asyncio.to_thread(self.gimsctl, "check", "--full"), (0, "the store is sound\n"))
        self.assertEqual((await asyncio.to_thread(self.gimsctl, "audit", "verify"))[0], 0)

    # ---- sessions and limits ----------------------------------------------------------------------------

    def test_sessions(self):
        password = self.site.add_user("officer")

        async def scenario():
            async with self.blind() as officer, self.blind() as lasting:
                await lasting.login("officer", password)
                login = {"type": "m.login.password", "password": password, "refresh_token": True,
                         "identifier": {"type": "m.id.user", "user": "officer"}}
                session = await officer.call("POST", "/_matrix/client/v3/login", login)
                officer.token, refresh = session["access_token"], session["refresh_token"]

                async def refreshed(token):
                    status, answer = await officer.raw("GET", "/_matrix/client/v3/account/whoami")
                    self.assertEqual((status, answer["errcode"], answer["soft_logout"]), (401, "M_UNKNOWN_TOKEN", True))
                    officer.token = None
                    answer = await officer.call("POST", "/_matrix/client/v3/refresh", {"refresh_token": token})
                    officer.token = answer["access_token"]
                    await officer.call("GET", "/_matrix/client/v3/account/whoami")
                    return answer["refresh_token"]

                await officer.call("GET", "/_matrix/client/v3/account/whoami")
                self.shift(HOUR + 1000)  # the life of a token
                refresh = await refreshed(refresh)
                # Put back by less than a minute, or its life, it counts; by a day, it would count for a day
                # and an hour: then it is refreshed.
                self.shift(HOUR - 10_000)
                await officer.call("GET", "/_matrix/client/v3/account/whoami")
                self.shift(-DAY)
                refresh = await refreshed(refresh)
                self.shift(0)
                refresh = await refreshed(refresh)
                # What has no end has none.
                await lasting.call("GET", "/_matrix/client/v3/account/whoami")
                # When a device was seen last goes back with the clock.
                self.shift(10 * DAY)
                await lasting.call("GET", "/_matrix/client/v3/account/whoami")

                def seen():
                    devices = json.loads(self.gimsctl("--json", "device", "list", "officer")[1])["devices"]
                    return max(device["last_seen_ts"] for device in devices) / 1000 - time.time()
                await asyncio.to_thread(self.wait_for, "the time ahead", lambda: seen() > 9 * 86400)
                self.shift(0)
                await lasting.call("GET", "/_matrix/client/v3/account/whoami")
                await asyncio.to_thread(self.wait_for, "the right time", lambda: seen() < 60)
        asyncio.run(scenario())

    def test_rate_limits(self):
        password = self.site.add_user("officer")

        async def scenario():
            async with self.blind() as officer:
                await officer.login("officer", password)
                path = f"/_matrix/client/v3/user/{matrix_api.quoted(officer.user_id)}/filter"

                async def refused():
                    """The wait that is asked for, once the officer's bucket of writing (100, ten a second) is empty."""
                    while True:
                        status, answer = await officer.raw("POST", path, {"event_fields": ["type"]})
                        if status == 429:
                            return answer["retry_after_ms"]
                        self.assertEqual(status, 200, answer)
                for shift in (DAY, -DAY):
                    wait = await refused()
                    self.assertLessEqual(wait, 1000)
                    self.shift(shift)
                    # Neither is the bucket full of a sudden, nor empty for a day.
                    self.assertLessEqual(await refused(), 1000)
                    wait = await refused()
                    await asyncio.sleep(wait / 1000)
                    await officer.call("POST", path, {"event_fields": ["type"]})
        asyncio.run(scenario())

    # ---- the certificate ----------------------------------------------------------------------------------

    def test_the_door_stays_open(self):
        password = self.site.add_user("officer")

        def dates():
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.site.port), 60) as tcp:
                with context.wrap_socket(tcp) as tls:
                    leaf = x509.load_der_x509_certificate(tls.getpeercert(True))
                    return leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
            return None  # refused: it has none that is good now

        def good():
            found, now = dates(), time.time() + self.ahead / 1000
            return found and found[0] <= now < found[1]

        async def scenario():
            async with self.client() as officer:
                await officer.login("officer", password)
                # Beyond the end of the leaf, and back to before its beginning.
                for shift in (3 * DAY, 0, 20 * DAY, HOUR, 0):
                    self.shift(shift)
                    await asyncio.to_thread(self.wait_for, "a leaf that is good now", good, 50)
                    await officer.call("GET", "/_matrix/client/v3/account/whoami")
                # The true clock again: clients that look at it come in.
                async with self.client() as new:
                    await new.login("officer", password)
        asyncio.run(scenario())
        self.assertNotIn("cannot run", self.site.tlsd.log.read_text())


if __name__ == "__main__":
    rig.unittest.main()

"""Push: gimsd tells a device that sleeps, over ntfy as the appliance configures it."""

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from matrix_api import encrypted, quoted, together
from rig import SiteTest, gimssite

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/contract"))
from openapi import Spec  # noqa: E402

V3 = "/_matrix/client/v3"
SERVICE = "https://push.gims.internal:8444"
GATEWAY = "/_matrix/push/v1/notify"


class PushSite(gimssite.Site):
    @property
    def push(self):
        return self.run / "push"

    def configuration(self):
        texts = super().configuration()
        texts["gimsd"] += f'\n[push]\nsocket = "{self.push}/ntfy.sock"\nurl = "{SERVICE}{GATEWAY}"\ntoken_file = "{self.push}/token"\n'
        return texts

    def prepare(self):
        super().prepare()
        # As tmpfiles.d makes it.
        self.push.mkdir()
        shutil.chown(self.push, "root", "gimsd")
        self.push.chmod(0o2750)


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("push")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class PushTest(SiteTest):
    site_class = PushSite

    def setUp(self):
        super().setUp()
        self.service = None
        self.addCleanup(self.stop_service)
        self.lists = tempfile.TemporaryDirectory()
        self.addCleanup(self.lists.cleanup)
        self.start_service()

    # ---- the push service ---------------------------------------------------------------------------

    def start_service(self, change=lambda text: text):
        """As the image's units do it, but for the port: devices ask by the socket here."""
        subprocess.run([TOP / "image/root/usr/lib/gims/push-user", self.lists.name, self.site.push], check=True, capture_output=True)
        lines = [line for line in (TOP / "image/root/etc/gims/ntfy.yml").read_text().splitlines()
                 if not line.startswith(("listen-https", "cert-file", "key-file"))]
        text = "\n".join(lines).replace("/run/gims-push", self.lists.name).replace("/run/gims/push", str(self.site.push))
        settings = Path(self.lists.name, "ntfy.yml")
        settings.write_text(change(text))
        self.service = subprocess.Popen(["ntfy", "serve", "--config", settings], env={"NTFY_BASE_URL": SERVICE},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for("ntfy", self.serves)

    def serves(self):
        try:
            return self.ask("/v1/health")[0] == 200
        except OSError:
            return False

    def stop_service(self):
        if self.service is not None:
            self.service.terminate()
            self.service.wait()
            self.service = None

    def ask(self, path):
        connection = Local(self.site.push / "ntfy.sock")
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def told(self, topic):
        """Every notification that the topic's device was told, each as the specification has it."""
        status, text = self.ask(f"/{topic}/json?poll=1&since=all")
        self.assertEqual(status, 200, text)
        bodies = [json.loads(json.loads(line)["message"]) for line in text.splitlines()]
        for body in bodies:
            self.assertEqual(self.spec.request_errors("POST", GATEWAY, body), [], body)
        return [body["notification"] for body in bodies]

    def wait_for_told(self, topic, event):
        def last():
            told = self.told(topic)
            return told if told and told[-1].get("event_id") == event else None
        return self.wait_for(f"the notification of {event}", last)

    # ---- officers -----------------------------------------------------------------------------------

    @classmethod
    def setUpClass(cls):
        cls.spec = Spec()

    def officers(self, part, *names):
        """Runs part(client, ...), a coroutine, with these signed in."""
        passwords = {name: self.site.add_user(name) for name in names}

        async def run():
            async with together([self.client() for _ in names]) as clients:
                for client, name in zip(clients, names):
                    await client.login(name, passwords[name])
                return await part(*clients)
        return asyncio.run(run())

    @staticmethod
    def pusher(topic, service=SERVICE, url=SERVICE + GATEWAY, **data):
        return {"kind": "http", "app_id": "im.vector.app", "pushkey": f"{service}/{topic}?up=1", "app_display_name": "Element",
                "device_display_name": "Phone", "lang": "hi", "append": False, "data": {"url": url, **data}}

    async def set(self, client, topic, **more):
        await client.call("POST", f"{V3}/pushers/set", self.pusher(topic, **{"format": "event_id_only", **more}))

    @staticmethod
    async def room_of(creator, *members):
        room = await creator.create_room(preset="private_chat", invite=[member.user_id for member in members])
        for member in members:
            await member.join(room)
        return room

    @staticmethod
    async def send(client, room, number):
        return (await client.call("PUT", client.send_path(room, f"t{number}"), encrypted(number)))["event_id"]

    # ---- what is told -------------------------------------------------------------------------------

    def test_a_message_is_told_with_the_count_and_nothing_of_it(self):
        async def part(one, other):
            room = await self.room_of(one, other)
            await self.set(other, "upOther123456")
            await self.set(one, "upSender12345", format="all")
            first = await self.send(one, room, 1)
            told = self.wait_for_told("upOther123456", first)
            self.assertEqual(told, [{"event_id": first, "room_id": room, "counts": {"unread": 1},
                                     "devices": [{"app_id": "im.vector.app", "pushkey": f"{SERVICE}/upOther123456?up=1",
                                                  "data": {"format": "event_id_only"}}]}])
            second = await self.send(one, room, 2)
            self.assertEqual(self.wait_for_told("upOther123456", second)[-1]["counts"], {"unread": 2})
            self.assertEqual(self.told("upSender12345"), [])
            # All is read: the device's badge goes.
            await other.call("POST", f"{V3}/rooms/{quoted(room)}/receipt/m.read/{quoted(second)}", {})
            last = self.wait_for("the count", lambda: next((told for told in self.told("upOther123456") if "event_id" not in told), None))
            self.assertEqual(last["counts"], {"unread": 0})
            # Who asks for more is told who wrote and how loud it is, and still nothing of what.
            answer = await self.send(other, room, 3)
            told = self.wait_for_told("upSender12345", answer)[-1]
            self.assertEqual({name: told[name] for name in ("type", "sender", "prio")},
                             {"type": "m.room.encrypted", "sender": other.user_id, "prio": "high"})
            self.assertEqual(told["devices"][0]["tweaks"], {"sound": "default"})
            self.assertFalse({"content", "room_name", "sender_display_name"} & set(told))
        self.officers(part, "desk.officer", "flood.control")

    def test_a_muted_room_is_not_told(self):
        async def part(one, other):
            muted, loud = [await self.room_of(one, other) for _ in range(2)]
            await self.set(other, "upOther123456")
            await other.call("PUT", f"{V3}/pushrules/global/room/{quoted(muted)}", {"actions": []})
            await self.send(one, muted, 1)
            event = await self.send(one, loud, 2)
            told = self.wait_for_told("upOther123456", event)
            self.assertEqual([(one["room_id"], one["counts"]) for one in told], [(loud, {"unread": 1})])
        self.officers(part, "desk.officer", "flood.control")

    def test_another_service_is_refused_and_a_key_of_another_removed(self):
        async def part(one, other):
            room = await self.room_of(one, other)
            for url in ("https://matrix.gateway.unifiedpush.org" + GATEWAY, SERVICE + "/other" + GATEWAY):
                status, answer = await other.raw("POST", f"{V3}/pushers/set", self.pusher("upOther123456", url=url))
                self.assertEqual((status, answer["errcode"]), (400, "M_INVALID_PARAM"))
                self.assertIn(SERVICE + GATEWAY, answer["error"])
            await self.set(other, "upElsewhere12", service="https://push.example")
            await self.set(other, "upOther123456", append=True)
            event = await self.send(one, room, 1)
            self.wait_for_told("upOther123456", event)

            async def keys():
                return [pusher["pushkey"] for pusher in (await other.call("GET", f"{V3}/pushers"))["pushers"]]
            while await keys() != [f"{SERVICE}/upOther123456?up=1"]:
                await asyncio.sleep(0.1)
        self.officers(part, "desk.officer", "flood.control")

    # ---- what goes wrong ----------------------------------------------------------------------------

    def test_a_service_that_begins_anew_is_told_what_waited(self):
        """With another token; and gimsd was killed meanwhile."""
        async def part(one, other):
            room = await self.room_of(one, other)
            await self.set(other, "upOther123456")
            first = await self.send(one, room, 1)
            self.wait_for_told("upOther123456", first)
            self.stop_service()
            start = self.log_size(self.site.gimsd)
            second = await self.send(one, room, 2)
            self.wait_for_log(self.site.gimsd, "The push service does not answer", start)
            self.site.gimsd.kill()
            self.site.start_gimsd()
            self.start_service()
            told = self.wait_for_told("upOther123456", second)
            self.assertEqual(told[-1]["counts"], {"unread": 2})
        self.officers(part, "desk.officer", "flood.control")

    def test_a_service_that_is_asked_too_much_is_asked_later(self):
        self.stop_service()
        # As it was made, it takes one request each second of a visitor.
        self.start_service(lambda text: text.replace('exempt-hosts: "0.0.0.0"', 'exempt-hosts: ""')
                           .replace("limit-burst: 60", "limit-burst: 1").replace('replenish: "5s"', 'replenish: "1s"'))

        async def part(one, other):
            rooms = [await self.room_of(one, other) for _ in range(3)]
            await self.set(other, "upOther123456")
            start = self.log_size(self.site.gimsd)
            events = {await self.send(one, room, number) for number, room in enumerate(rooms)}
            self.wait_for_log(self.site.gimsd, "HTTP 429", start)
            self.stop_service()
            self.start_service()

            def all_told():
                return {told.get("event_id") for told in self.told("upOther123456")}
            # What it took before is gone with it.
            self.wait_for("a notification", all_told)
            self.assertLessEqual(all_told(), events)
        self.officers(part, "desk.officer", "flood.control")


if __name__ == "__main__":
    unittest.main()

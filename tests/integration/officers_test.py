"""Officers from the first slip to the lost phone, with gimsctl and the real daemons."""

import asyncio
import unittest

import matrix_api
from rig import SiteTest

CHOSEN = "one of my very own choice"
PASSWORD = "/_matrix/client/v3/account/password"
LIST = "localpart,display_name,ministry,designation\nasha.rao,Asha Rao,Home,Under Secretary\nbimal.das,बिमल दास,Home,\n"


class OfficersTest(SiteTest):
    def told(self, *arguments, status=0):
        got, text = self.gimsctl(*arguments)
        self.assertEqual(got, status, text)
        return text

    def code(self, text):
        return text.split("code: ", 1)[1].split()[0]

    def proof(self, client, password):
        return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": client.user_id}, "password": password}

    async def enrol(self, client, name, code):
        await client.login(name, code)
        await client.call("POST", PASSWORD, {"new_password": CHOSEN, "auth": self.proof(client, code)})

    def test_a_list_of_officers_becomes_colleagues(self):
        self.told("org", "add-unit", "Home", "--kind", "ministry")
        self.told("org", "add-designation", "Under Secretary", "--hindi", "अवर सचिव")
        file = self.site.operator / "list.csv"
        file.write_text(LIST + "bad name,X,Home,\n", encoding="utf-8")
        self.assertIn("row 4: localpart", self.told("officer", "import", str(file), status=1))
        file.write_text(LIST, encoding="utf-8")
        self.assertIn("made 2 officers", self.told("officer", "import", str(file), "--commit"))
        asha, bimal = (self.code(self.told("officer", "slip", name)) for name in ("asha.rao", "bimal.das"))

        async def scenario():
            async with self.client() as first, self.client() as second:
                await self.enrol(first, "asha.rao", asha)
                await self.enrol(second, "bimal.das", bimal)
                found = await second.call("POST", "/_matrix/client/v3/user_directory/search", {"search_term": "under sec"})
                self.assertEqual([user["display_name"] for user in found["results"]], ["Asha Rao (Under Secretary)"])
                profile = await second.call("GET", f"/_matrix/client/v3/profile/{first.user_id}")
                self.assertEqual((profile["gims.ministry"], profile["gims.designation"]), ("Home", "Under Secretary"))
                with self.assertRaises(matrix_api.Refused) as refused:
                    await first.call("PUT", f"/_matrix/client/v3/profile/{first.user_id}/displayname", {"displayname": "Minister"})
                self.assertEqual(refused.exception.errcode, "M_FORBIDDEN")
                async with self.client() as thief:
                    with self.assertRaises(matrix_api.Refused) as refused:
                        await thief.login("asha.rao", asha)
                    self.assertEqual(refused.exception.errcode, "M_FORBIDDEN")
        asyncio.run(scenario())

    def test_a_lost_phone(self):
        password = self.site.add_user("desk.officer")

        async def scenario():
            async with self.client() as phone, self.client() as tablet:
                await phone.login("desk.officer", password, "PHONE")
                await tablet.login("desk.officer", password, "TABLET")
                seen = (await tablet.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
                for act, errcode in (("lock", "M_USER_LOCKED"), ("wipe", "M_UNKNOWN_TOKEN")):
                    since = (await phone.call("GET", "/_matrix/client/v3/sync"))["next_batch"]
                    # It would be held for five minutes, longer than this test may take.
                    held = asyncio.create_task(phone.raw("GET", "/_matrix/client/v3/sync", since=since, timeout=300000))
                    await asyncio.sleep(0.5)
                    self.assertFalse(held.done())
                    await asyncio.to_thread(self.told, "device", act, "desk.officer", "PHONE", "--reason", "lost")
                    await asyncio.wait_for(held, 60)
                    status, body = await phone.raw("GET", "/_matrix/client/v3/sync")
                    self.assertEqual((status, body["errcode"]), (401, errcode))
                    if act == "lock":
                        await asyncio.to_thread(self.told, "device", "unlock", "desk.officer", "PHONE")
                self.assertNotIn("soft_logout", body)
                changes = await tablet.call("GET", "/_matrix/client/v3/sync", since=seen, timeout=0)
                self.assertIn(tablet.user_id, changes["device_lists"]["changed"])
                devices = (await tablet.call("GET", "/_matrix/client/v3/devices"))["devices"]
                self.assertEqual([device["device_id"] for device in devices], ["TABLET"])
        asyncio.run(scenario())
        self.wait_for("the phone's word", lambda: "wiped" in self.told("device", "list", "--state", "wiped"))
        log = self.told("audit", "list")
        for act in ("device.locked", "device.unlocked", "device.wipe", "device.wiped"):
            self.assertIn(act, log)

    def test_a_suspended_officer_reads_and_does_not_send(self):
        password = self.site.add_user("desk.officer")

        async def scenario():
            async with self.client() as officer:
                await officer.login("desk.officer", password)
                room = await officer.create_room(preset="private_chat")
                await asyncio.to_thread(self.told, "officer", "suspend", "desk.officer")
                await officer.call("GET", "/_matrix/client/v3/sync")
                await officer.messages(room)
                status, body = await officer.raw("PUT", officer.send_path(room, "1"), matrix_api.encrypted(1))
                self.assertEqual((status, body["errcode"]), (403, "M_USER_SUSPENDED"))
                status, body = await officer.raw("POST", "/_matrix/client/v3/createRoom", {})
                self.assertEqual((status, body["errcode"]), (403, "M_USER_SUSPENDED"))
                await asyncio.to_thread(self.told, "officer", "unlock", "desk.officer")
                await officer.call("PUT", officer.send_path(room, "1"), matrix_api.encrypted(1))
                await asyncio.to_thread(self.told, "room", "shut", room, "--reason", "over")
                status, body = await officer.raw("PUT", officer.send_path(room, "2"), matrix_api.encrypted(2))
                self.assertEqual((status, body["errcode"]), (403, "M_FORBIDDEN"))
                status, body = await officer.raw("POST", f"/_matrix/client/v3/rooms/{matrix_api.quoted(room)}/join", {})
                self.assertEqual((status, body["errcode"]), (403, "M_FORBIDDEN"))
        asyncio.run(scenario())


if __name__ == "__main__":
    unittest.main()

"""Accounts as an administrator and an officer see them: a password that was handed out has to be changed
before it is good for anything, and guesses are counted wherever a password is asked for."""

import asyncio
import unittest

import matrix_api
from rig import SiteTest

HANDED_OUT = "written on a slip of paper"
CHOSEN = "one of my very own choice"
PASSWORD = "/_matrix/client/v3/account/password"


class AccountsTest(SiteTest):
    def set_password(self, command, name):
        status, text = self.gimsctl("user", command, name, "--must-change", input=HANDED_OUT + "\n")
        self.assertEqual(status, 0, text)

    async def refusal(self, client, *call):
        with self.assertRaises(matrix_api.Refused) as refused:
            await client.call(*call)
        return refused.exception

    def proof(self, client, password):
        return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": client.user_id}, "password": password}

    def test_a_password_that_was_handed_out(self):
        for command in ("add", "reset"):
            with self.subTest(command):
                self.set_password(command, "desk.officer")
                asyncio.run(self.choose(HANDED_OUT))

    async def choose(self, handed_out):
        async with self.client() as officer:
            await officer.login("desk.officer", handed_out)
            # What a client asks for until it shows its settings.
            for path in ("sync", "capabilities", "pushrules/", "account/whoami", "devices", f"profile/{officer.user_id}"):
                await officer.call("GET", f"/_matrix/client/v3/{path}")
            for call in (("POST", "/_matrix/client/v3/createRoom", {}), ("POST", "/_matrix/client/v3/user_directory/search",
                          {"search_term": "a"}), ("GET", "/_matrix/client/v3/joined_rooms"), ("POST", "/_matrix/media/v3/upload")):
                refused = await self.refusal(officer, *call)
                self.assertEqual((refused.status, refused.errcode), (403, "M_FORBIDDEN"), call)
                self.assertIn("Choose one of your own", refused.body["error"])

            await officer.call("POST", PASSWORD, {"new_password": CHOSEN, "auth": self.proof(officer, handed_out)})
            await officer.create_room(preset="private_chat")
            async with self.client() as later:
                refused = await self.refusal(later, "POST", "/_matrix/client/v3/login",
                                             self.proof(officer, handed_out))
                self.assertEqual(refused.errcode, "M_FORBIDDEN")
                await later.login("desk.officer", CHOSEN)
                await later.create_room(preset="private_chat")

    def test_guesses_at_a_device_left_open(self):
        password = self.site.add_user("desk.officer")

        async def scenario():
            async with self.client() as officer:
                await officer.login("desk.officer", password)
                statuses = []
                while 429 not in statuses:
                    guess = {"new_password": CHOSEN, "auth": self.proof(officer, f"guess {len(statuses)}")}
                    statuses.append((await officer.raw("POST", PASSWORD, guess))[0])
                    self.assertLess(len(statuses), 50, "one may guess without end")
                self.assertEqual(set(statuses[:-1]), {401})
                self.assertGreaterEqual(len(statuses), 6, "a few typing errors are free")
                # The owner can wait.
                await officer.call("POST", PASSWORD, {"new_password": CHOSEN, "auth": self.proof(officer, password)})
        asyncio.run(scenario())


if __name__ == "__main__":
    unittest.main()

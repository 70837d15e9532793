"""What gimsd answers about officers, devices, rooms and reports has the form of docs/admin-api.yaml."""

import asyncio
import http.client
import json
import socket
import sys
import unittest
import urllib.parse

import matrix_api
from rig import TOP, SiteTest

sys.path.insert(0, str(TOP / "tests" / "contract"))
import openapi

CONTRACT = TOP / "docs" / "admin-api.yaml"
# The console's door adds it to the answer, of what gimsd does not know (gims-keyd's CA, the Wi-Fi).
ADDED_BY_THE_CONSOLE = {"SlipsMade": "site"}


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("gimsd")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


@unittest.skipUnless(CONTRACT.exists(), "docs/admin-api.yaml is not in this tree")
class AdminContractTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.contract = openapi.text_keys(openapi.yaml.safe_load(CONTRACT.read_text(encoding="utf-8")))
        for schema, member in ADDED_BY_THE_CONSOLE.items():
            self.contract["components"]["schemas"][schema]["required"].remove(member)

    def ask(self, method, path, body=None, text=None):
        """The answer of 200, held to the schema of the operation."""
        connection = Local(str(self.site.run / "gimsd/admin"))
        self.addCleanup(connection.close)
        data = text.encode() if text is not None else json.dumps(body).encode() if body is not None else None
        connection.request(method, "/_gims/admin/v1" + path, data)
        response = connection.getresponse()
        answer = json.loads(response.read())
        self.assertEqual(response.status, 200, f"{method} {path}: {answer}")
        self.hold(method, path.partition("?")[0], answer)
        return answer

    def hold(self, method, path, answer):
        parts = path.split("/")
        found = [known for known in self.contract["paths"]
                 if len(known.split("/")) == len(parts) and method.lower() in self.contract["paths"][known]
                 and all(a == b or a.startswith("{") for a, b in zip(known.split("/"), parts))]
        self.assertTrue(found, f"{method} {path} is not in the contract")
        schema = self.contract["paths"][min(found, key=lambda known: known.count("{"))][method.lower()]["responses"]["200"]["content"]
        validator = openapi.Draft202012Validator({**self.contract, **schema["application/json"]["schema"]})
        problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(answer)]
        self.assertEqual(problems, [], f"{method} {path}: {answer}")

    def test_answers(self):
        unit = self.ask("POST", "/organisation/units", {"kind": "ministry", "name": "Home", "name_hi": "गृह"})["unit_id"]
        self.ask("PUT", f"/organisation/units/{unit}", {"kind": "ministry", "name": "Home Affairs"})
        title = self.ask("POST", "/organisation/designations", {"name": "Under Secretary", "rank": 30})["designation_id"]
        self.ask("PUT", f"/organisation/designations/{title}", {"name": "Deputy Secretary"})
        officer = self.ask("POST", "/users", {"localpart": "desk.officer", "display_name": "Asha Rao", "unit_id": unit,
                                              "designation_id": title})["user_id"]
        self.ask("PATCH", "/users/desk.officer", {"employee_id": "E-17", "phone": "1234"})
        code = self.ask("POST", "/slips", {"user_ids": [officer], "hours": 24})["slips"][0]["code"]
        room = asyncio.run(self.use(code))
        for path in ("/organisation", "/labels", "/users", "/users?q=asha", f"/users?unit={unit}&state=active", "/users/desk.officer",
                     "/users/desk.officer/devices", "/slips", "/slips?state=used", "/devices", "/devices?state=pending&q=asha", "/rooms",
                     "/rooms?q=flood", f"/rooms/{room}", f"/rooms/{room}/members", "/reports", "/reports?state=open"):
            self.ask("GET", path)
        preview = self.ask("POST", "/imports", text="localpart,display_name,unit\nbimal,Bimal,Home Affairs\nbad name,X,Nowhere\n")
        self.ask("GET", f"/imports/{preview['import_id']}/rows?only=bad")
        self.ask("POST", f"/imports/{preview['import_id']}/commit", {"skip_bad": True})
        self.ask("DELETE", f"/imports/{preview['import_id']}")
        for act in ("suspend", "unlock", "lock", "unlock"):
            self.ask("POST", f"/users/desk.officer/{act}", {"reason": "a test"})
        for act in ("lock", "unlock"):
            self.ask("POST", f"/users/desk.officer/devices/PHONE/{act}", {})
        self.ask("DELETE", "/users/desk.officer/devices/PHONE")
        self.ask("GET", "/devices?state=revoked")
        self.ask("POST", f"/rooms/{room}/shutdown", {"reason": "over"})
        self.ask("GET", f"/rooms/{room}")
        self.ask("POST", "/reports/1/close", {"note": "spoken to"})
        self.ask("GET", "/reports?state=closed")
        self.ask("POST", "/users/desk.officer/reset", {})
        self.ask("POST", "/users/desk.officer/deactivate", {})
        self.ask("DELETE", f"/organisation/designations/{title}")

    async def use(self, code):
        async with self.client() as officer:
            await officer.login("desk.officer", code, "PHONE")
            await officer.call("POST", "/_matrix/client/v3/account/password", {"new_password": "one of my very own choice", "auth": {
                "type": "m.login.password", "identifier": {"type": "m.id.user", "user": officer.user_id}, "password": code}})
            room = await officer.create_room(name="Flood control")
            await officer.call("POST", f"/_matrix/client/v3/rooms/{matrix_api.quoted(room)}/report", {"reason": "spam"})
            return urllib.parse.quote(room, safe="")


if __name__ == "__main__":
    unittest.main()

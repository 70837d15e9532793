#!/usr/bin/env python3
"""Walks the routes of gimsd-testsite: each one's success, and each way in which it must refuse, is what
the specification's OpenAPI says.

    contract_test.py GIMSD_TESTSITE [unittest's arguments]
"""

import json
import subprocess
import sys
import unittest
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import openapi
import permissions
import refusals
import scenario
from testsite import Testsite, fill
from world import World

PROGRAM = None
METHODS = ("GET", "PUT", "POST", "DELETE")
CORS = {"access-control-allow-origin": "*", "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
        "access-control-allow-headers": "X-Requested-With, Content-Type, Authorization"}


def needs_token(route):
    return route["auth"] in ("token", "token_suspended_ok", "token_choosing_ok", "token_locked_ok")


class Walk(unittest.TestCase):
    """One site for all; every route is a subtest."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.spec = openapi.Spec()
        printed = subprocess.run([PROGRAM, "--print-routes"], check=True, capture_output=True, text=True)
        cls.routes = [route for route in json.loads(printed.stdout) if route["door"] == "client"]
        cls.methods = defaultdict(set)
        for route in cls.routes:
            cls.methods[openapi.shape(route["path"]).replace("/{}", "/x")].add(route["method"])
        cls.site = cls.enterClassContext(Testsite(PROGRAM, *cls.options))
        cls.world = World(cls.site)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()

    def each(self, wanted=lambda route: True):
        for route in self.routes:
            if wanted(route):
                yield route, self.subTest(route=f"{route['method']} {route['path']}")

    def check(self, route, answer, status, errcodes=None):
        self.assertEqual(answer.status, status, str(answer))
        for name, value in CORS.items():
            self.assertEqual(answer.headers.get(name), value, f"{name} of {answer}")
        if answer.status >= 400:
            self.assertEqual(answer.headers.get("content-type"), "application/json", str(answer))
        problems = self.spec.errors(route["method"], route["path"], answer.status, answer.body) if answer.body is not None else []
        self.assertFalse(problems, f"{answer}: {'; '.join(problems)}")
        if errcodes:
            self.assertIn(answer.body.get("errcode"), errcodes, str(answer))

    def ask(self, route, token="own", **more):
        """A request whose path leads to the route and nowhere in particular."""
        if token == "own":
            token = self.world.asha.token if route["auth"] != "none" else None
        body = b"{}" if route["body"] != "none" else None
        return self.site.ask(route["method"], fill(route["path"]), token=token, **{"raw": body, **more})


class Contract(Walk):
    def test_success(self):
        for route, here in self.each():
            with here:
                run = scenario.CASES.get((route["method"], route["path"])) or refusals.NEVER.get((route["method"], route["path"]))
                self.assertIsNotNone(run, "this route has no success case in scenario.py")
                if isinstance(run, tuple):
                    status, errcode = run
                    self.check(route, self.ask(route), status, [errcode])
                else:
                    self.check(route, run(self.world), 200)

    def test_every_route_is_in_the_specification(self):
        for route, here in self.each():
            with here:
                known = self.spec.find(route["method"], route["path"]) or route["path"] in refusals.OWN_PATHS
                self.assertTrue(known, "the specification has no such endpoint")

    def test_preflight(self):
        for route, here in self.each():
            with here:
                answer = self.site.ask("OPTIONS", fill(route["path"]))
                self.assertEqual(answer.status, 204, str(answer))
                for name, value in CORS.items():
                    self.assertEqual(answer.headers.get(name), value, str(answer))

    def test_401_without_a_token(self):
        for route, here in self.each(needs_token):
            with here:
                self.check(route, self.ask(route, token=None), 401, ["M_MISSING_TOKEN"])

    def test_401_with_an_unknown_token(self):
        for route, here in self.each(lambda route: route["auth"] != "none"):
            with here:
                self.check(route, self.ask(route, token="gims_at_unknown"), 401, ["M_UNKNOWN_TOKEN"])

    def test_401_with_a_token_that_was_signed_out(self):
        user = self.world.new_user()
        user.expect(200, "POST", "/_matrix/client/v3/logout", {})
        for route, here in self.each(needs_token):
            with here:
                self.check(route, self.ask(route, token=user.token), 401, ["M_UNKNOWN_TOKEN"])

    def test_400_for_what_is_no_json(self):
        for route, here in self.each(lambda route: route["body"].startswith("json")):
            with here:
                self.check(route, self.ask(route, raw=b'{"a":'), 400, ["M_NOT_JSON"])
                self.check(route, self.ask(route, raw=b'{"a":"\xff"}'), 400, ["M_NOT_JSON"])

    def test_400_for_json_that_is_no_object(self):
        for route, here in self.each(lambda route: route["body"].startswith("json")):
            with here:
                for raw in (b"[]", b'"a"', b"7", b"null", b'{"a":1,"a":2}', b"[" * 200 + b"]" * 200):
                    self.check(route, self.ask(route, raw=raw), 400, ["M_BAD_JSON"])

    def test_400_for_a_field_of_a_wrong_type(self):
        wrong = {"string": 7, "array": "x", "object": "x", "integer": "x", "boolean": "x", "number": "x"}
        for route, here in self.each(lambda route: route["body"].startswith("json")):
            with here:
                method, path = route["method"], route["path"]
                if refusals.takes_any_content(method, path):
                    continue
                for name, kind in self.spec.request_properties(method, path).items():
                    if kind not in wrong or name == "auth" or name in refusals.UNREAD.get((method, path), ()):
                        continue
                    with self.subTest(route=f"{method} {path}", field=name):
                        where, user, body = refusals.place(self.world, method, path)
                        answer = self.site.ask(method, where, {**body, name: wrong[kind]},
                                               token=user.token if route["auth"] != "none" else None)
                        self.check(route, answer, 400, ["M_BAD_JSON", "M_INVALID_PARAM", "M_MISSING_PARAM"])

    def test_403_for_who_may_not(self):
        for route, here in self.each():
            with here:
                method, path = route["method"], route["path"]
                cases = permissions.CASES.get((method, path), [])
                if (method, path) in permissions.OPEN:
                    self.assertFalse(cases, "open to all, and refused to somebody")
                    continue
                if not cases and needs_token(route) and ("{roomId}" in path or "{userId}" in path):
                    cases = [(403, "M_FORBIDDEN", None)]
                statuses = {status for status, _, _ in cases} | {refusals.NEVER.get((method, path), (None,))[0]}
                self.assertNotEqual(statuses, {None}, "permissions.py says neither who is refused nor why nobody is")
                known = self.spec.find(method, path)
                if known and "403" in known[2]["responses"]:
                    self.assertIn(403, statuses, "the specification has a 403")
                for status, errcode, run in cases:
                    self.check(route, run(self.world) if run else self.by_stranger(route), status, [errcode])

    def by_stranger(self, route):
        """The success case of the route, asked by somebody who has nothing to do with it."""
        where, _, body = refusals.place(self.world, route["method"], route["path"])
        return self.site.ask(route["method"], where, body if route["body"] != "none" else None, token=self.world.stranger.token)

    def test_no_case_is_left_without_a_route(self):
        routes = {(route["method"], route["path"]) for route in self.routes}
        tables = {"scenario.CASES": scenario.CASES, "refusals.NEVER": refusals.NEVER, "refusals.FRESH": refusals.FRESH,
                  "refusals.UNREAD": refusals.UNREAD, "permissions.CASES": permissions.CASES, "permissions.OPEN": permissions.OPEN}
        for name, table in tables.items():
            self.assertEqual(set(table) - routes, set(), f"{name} has no such routes")
        self.assertEqual(set(scenario.CASES) & set(refusals.NEVER), set(), "succeed, and never do")
        self.assertEqual(refusals.OWN_PATHS - {path for _, path in routes}, set(), "refusals.OWN_PATHS has no such routes")
        for (method, path), fields in refusals.UNREAD.items():
            self.assertEqual(fields - set(self.spec.request_properties(method, path)), set(), f"{method} {path} has no such fields")

    def test_404_below_and_beside(self):
        for route, here in self.each():
            with here:
                for path in (fill(route["path"]).rstrip("/") + "/no/such/thing/here/at/all", fill(route["path"]).replace("/_", "/-", 1)):
                    answer = self.site.ask(route["method"], path, token=self.world.asha.token)
                    if path.startswith("/.well-known") and answer.status != 404:
                        continue
                    self.check({"method": route["method"], "path": path}, answer, 404, ["M_UNRECOGNIZED"])

    def test_405_for_other_methods(self):
        for route, here in self.each():
            with here:
                there = self.methods[openapi.shape(route["path"]).replace("/{}", "/x")]
                for method in METHODS:
                    # A literal beside a parameter leads elsewhere; those paths are asked as themselves.
                    if method in there or self.leads_elsewhere(method, route["path"]):
                        continue
                    answer = self.site.ask(method, fill(route["path"]), token=self.world.asha.token)
                    self.check({"method": method, "path": route["path"] + "#405"}, answer, 405, ["M_UNRECOGNIZED"])
                    self.assertIn(route["method"], answer.headers.get("allow", ""))

    def leads_elsewhere(self, method, path):
        parts = fill(path).split("/")
        for other in self.routes:
            if other["method"] != method:
                continue
            theirs = other["path"].split("/")
            if len(theirs) == len(parts) and all(t.startswith("{") or t == p for t, p in zip(theirs, parts)):
                return True
        return False

    def test_413_for_a_body_that_is_too_large(self):
        for route, here in self.each():
            with here:
                # A route without a body reads over a small one, so that the connection can go on.
                limit = route["body_limit"] or 64 << 10
                if limit >= 1 << 20:
                    # By its announced length alone.
                    answer = self.announce(route, limit + 1)
                else:
                    answer = self.ask(route, raw=b" " * (limit + 1))
                self.check(route, answer, 413, ["M_TOO_LARGE"])

    def test_413_for_a_body_of_unknown_length(self):
        """In chunks (RFC 9112, section 7.1): it is found too large while it comes."""
        for route, here in self.each(lambda route: route["body_limit"] < 1 << 20):
            with here:
                limit = route["body_limit"] or 64 << 10
                answer = self.ask(route, raw=[b" " * limit, b" "])
                self.check(route, answer, 413, ["M_TOO_LARGE"])

    def announce(self, route, size):
        return self.ask(route, raw=b"", headers={"Content-Length": str(size), "Expect": "100-continue"})

    def test_a_bad_address_is_refused(self):
        for path in ("/_matrix/client/v3/%", "/_matrix/client/v3/rooms/%ff/state", "/_matrix/client/versions?a=%00"):
            answer = self.site.ask("GET", path)
            self.assertEqual(answer.status, 400, str(answer))
            self.assertEqual(answer.body["errcode"], "M_INVALID_PARAM")


class Limits(Walk):
    """The same site with the product's limits."""

    options = ("--rate-limits",)

    def test_429_for_each_class(self):
        for route, here in self.each():
            with here:
                self.assertNotEqual(route["rate"], "unlimited")
                for _ in range(5000):
                    answer = self.ask(route)
                    if answer.status == 429:
                        break
                self.check(route, answer, 429, ["M_LIMIT_EXCEEDED"])
                self.assertGreater(answer.body["retry_after_ms"], 0)
                self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)

    def test_every_route_has_a_class_of_its_kind(self):
        for route, here in self.each():
            with here:
                if route["path"].startswith("/_matrix/client/v3/log") and route["method"] == "POST" and route["auth"] == "none":
                    self.assertEqual(route["rate"], "login")


class Stop(unittest.TestCase):
    def test_sigterm_ends_it_cleanly(self):
        with Testsite(PROGRAM) as site:
            World(site).asha
        self.assertEqual(site.status, 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = sys.argv.pop(1)
    unittest.main()

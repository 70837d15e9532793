#!/usr/bin/env python3
"""The console's door, as gimsd has it, and docs/admin-api.yaml: the same operations for the same roles.

    admin_test.py GIMSD-TESTSITE
"""

import json
import subprocess
import sys
import unittest

import admin
from openapi import shape

PROGRAM = None


class AdminContractTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        printed = subprocess.run([PROGRAM, "--print-routes"], check=True, capture_output=True, text=True)
        routes = json.loads(printed.stdout)
        of_door = lambda door: {(route["method"], shape(route["path"])): route for route in routes if route["door"] == door}
        cls.console, cls.socket = of_door("console"), of_door("admin")
        cls.contract = admin.Contract()

    def test_every_route_is_in_the_contract(self):
        self.assertGreater(len(self.console), 30)
        self.assertEqual(set(self.console) - set(self.contract.at("console")), set())

    def test_roles_are_the_contracts(self):
        for key, route in self.console.items():
            with self.subTest(key):
                operation = self.contract.operations[key]
                roles = set(operation["x-gims-roles"])
                self.assertEqual(route["access"], "signed_in" if roles else "anybody")
                self.assertEqual(set(route["roles"]), roles)
                self.assertEqual(route["fresh"], operation["x-gims-fresh"] > 0)

    def test_a_body_is_wanted_where_the_contract_has_one(self):
        for key, route in self.console.items():
            with self.subTest(key):
                if "requestBody" not in self.contract.operations[key]:
                    self.assertNotEqual(route["body"], "json_object")
                else:
                    self.assertNotEqual(route["body"], "none")

    def test_what_both_doors_have_is_at_the_socket(self):
        for key in self.console:
            if "socket" in self.contract.operations[key]["x-gims-doors"]:
                self.assertIn(key, self.socket)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()

"""Officers' accounts in hostile hands, and guesses at them: floods of everything that an account may do. Each
test has other officers at work beside it (hostile.py)."""

import contextlib
import time
import unittest

import hostile
import line
from matrix_api import quoted

V3 = "/_matrix/client/v3"


class HostileApi(hostile.HostileTest):
    def until_refused(self, ask, most):
        """Asks again and again until it is too often: how many were taken, and the refusal."""
        for taken in range(most):
            status, answer = ask(taken)
            if status == 429:
                self.assertEqual(answer["errcode"], "M_LIMIT_EXCEEDED")
                self.assertGreater(answer["retry_after_ms"], 0)
                return taken, answer
            self.assertEqual(status, 200, answer)
        self.fail(f"{most} were taken")

    def test_login_guessing(self):
        """A stranger guesses at an account from one address, then from many. Its owner signs in beside it; so
        does who has the same address as the stranger."""
        victim, neighbour = self.attacker("victim", "127.0.0.9"), self.attacker("neighbour", "127.0.0.9")
        with self.attack("login guessing", memory=48):
            with line.Line(self.site.port, self.site.ca, address="127.0.0.2") as stranger:
                statuses = []
                while 429 not in statuses:
                    statuses.append(stranger.ask("POST", f"{V3}/login", victim.proof(f"guess {len(statuses)}"))[0])
                    self.assertLess(len(statuses), 30, "one may guess without end")
                self.assertEqual(set(statuses[:-1]), {403})
                self.assertEqual(victim.call("POST", f"{V3}/login", victim.proof(victim.password))["user_id"], victim.user_id)
                # An account that is not there is no different.
                unknown = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "nobody"}, "password": "x" * 12}
                self.assertIn(stranger.ask("POST", f"{V3}/login", unknown)[0], (403, 429))
            for number in range(10, 30):
                with line.Line(self.site.port, self.site.ca, address=f"127.0.0.{number}") as other:
                    self.assertEqual(other.ask("POST", f"{V3}/login", victim.proof("one guess each"))[0], 403)
            for officer in (victim, neighbour):
                officer.call("POST", f"{V3}/login", officer.proof(officer.password))

    def test_long_polls(self):
        """One device polls on 40 connections: the newest waits, the others are answered or told to come later."""
        hoarder = self.attacker("hoarder")
        since = hoarder.call("GET", f"{V3}/sync?timeout=0")["next_batch"]
        with self.attack("long polls of one device", memory=16), contextlib.ExitStack() as open_ones:
            lines = [open_ones.enter_context(line.Line(self.site.port, self.site.ca, address="127.0.0.2"))
                     for _ in range(40)]
            for one in lines:
                one.begin("GET", f"{V3}/sync?since={since}&timeout=8000", token=hoarder.token)
            answers = [one.end() for one in lines]
            self.assertEqual(answers[-1][0], 200)
            self.assertEqual({status for status, _ in answers}, {200, 429})
            for status, answer in answers:
                if status == 429:
                    self.assertGreater(answer["retry_after_ms"], 0)
                else:
                    self.assertIn("device_one_time_keys_count", answer)
                    self.assertNotIn("rooms", answer)

    def test_device_flood(self):
        """Signing in again and again, with the right password."""
        one = self.attacker("many.devices", "127.0.0.40")
        with self.attack("devices without end", memory=48):
            self.until_refused(lambda _: one.ask("POST", f"{V3}/login", one.proof(one.password)), 300)

    def test_to_device_flood(self):
        victim, one = self.attacker("flooded", "127.0.0.41"), self.attacker("flooder")
        content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": "x" * 10_000}
        device = victim.call("GET", f"{V3}/account/whoami")["device_id"]
        since = victim.call("GET", f"{V3}/sync?timeout=0")["next_batch"]

        def send(number):
            return one.ask("PUT", f"{V3}/sendToDevice/m.room.encrypted/{number}",
                           {"messages": {victim.user_id: {device: content | {"n": number}}}})
        with self.attack("to-device flood", memory=24):
            taken, _ = self.until_refused(send, 2000)
            # The victim gets what was taken, in order, a bounded number a reply.
            got = []
            while True:
                answer = victim.call("GET", f"{V3}/sync?timeout=0&since={since}")
                events = answer.get("to_device", {}).get("events", [])
                self.assertLessEqual(len(events), 100)
                got += [event["content"]["n"] for event in events]
                since = answer["next_batch"]
                if not events:
                    break
        self.assertEqual(got, list(range(taken)))
        # More messages in one request than there may be.
        many = {f"@u{number}:gims.internal": {"*": {}} for number in range(10_001)}
        self.assertEqual(victim.ask("PUT", f"{V3}/sendToDevice/m.x/many", {"messages": many})[0], 413)

    def test_to_device_messages_to_every_device(self):
        """"*" makes of one message as many as there are devices: what counts is what is stored."""
        victims = [self.attacker(f"starred{number}", f"127.0.0.{50 + number}") for number in range(4)]
        for victim in victims:
            for _ in range(17):
                victim.call("POST", f"{V3}/login", victim.proof(victim.password))
        first = victims[0]
        since = first.call("GET", f"{V3}/sync?timeout=0")["next_batch"]
        one = self.attacker("starring")
        large = {"ciphertext": "x" * 65_000}

        def send(number, users, content=large):
            return one.ask("PUT", f"{V3}/sendToDevice/m.room.encrypted/{number}",
                           {"messages": {user.user_id: {"*": content | {"n": number}} for user in users}})
        with self.attack("to-device messages to every device", memory=48):
            before = self.stored()
            for number in range(40):
                status, answer = send(number, victims)  # 72 of them, 4.5 MiB
                self.assertEqual((status, answer["errcode"]), (413, "M_TOO_LARGE"))
            self.assertLess(self.stored() - before, 8 << 20, "what was refused was stored")
            for number in range(40, 50):
                self.assertEqual(send(number, victims[:3])[0], 200)
            for size in (65_536, 1_000_000):
                status, answer = send(50, [first], {"ciphertext": "x" * size})
                self.assertEqual((status, answer["errcode"]), (413, "M_TOO_LARGE"))
            got = first.call("GET", f"{V3}/sync?timeout=0&since={since}")["to_device"]["events"]
            self.assertEqual([event["content"]["n"] for event in got], list(range(40, 50)))

    def test_room_floods(self):
        """Making rooms, joining them, leaving and joining again."""
        maker, joiner = self.attacker("maker"), self.attacker("joiner", "127.0.0.42")
        with self.attack("rooms without end", memory=48):
            rooms = []

            def make(_):
                status, answer = maker.ask("POST", f"{V3}/createRoom", {"preset": "public_chat"})
                if status == 200:
                    rooms.append(answer["room_id"])
                return status, answer
            taken, _ = self.until_refused(make, 1000)
            self.assertGreaterEqual(taken, 100, "an officer may make some")

            def join(number):
                status, answer = joiner.ask("POST", f"{V3}/join/{quoted(rooms[number // 2 % len(rooms)])}", {})
                if status == 200 and number % 2:
                    joiner.ask("POST", f"{V3}/rooms/{quoted(rooms[number // 2 % len(rooms)])}/leave", {})
                return status, answer
            self.until_refused(join, 1000)

    def test_filters_and_backup_versions(self):
        """Until the rate says no; then, in the time that it says, until there are as many as there may be."""
        one = self.attacker("collector")
        me = quoted(one.user_id)
        with self.attack("filters and backup versions without end", memory=24):
            filter_of = lambda n: {"room": {"timeline": {"limit": n}}}
            self.until_refused(lambda n: one.ask("POST", f"{V3}/user/{me}/filter", filter_of(n)), 1000)
            backup = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": "a" * 43}}
            made = 0
            while True:
                status, answer = one.ask("POST", f"{V3}/room_keys/version", backup)
                if status == 429:
                    time.sleep(answer["retry_after_ms"] / 1000)
                    continue
                if status != 200:
                    break
                made += 1
            self.assertEqual((made, status, answer["errcode"]), (100, 413, "M_TOO_LARGE"))


if __name__ == "__main__":
    unittest.main()

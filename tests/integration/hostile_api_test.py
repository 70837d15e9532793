"""Officers' accounts in hostile hands, and guesses at them: floods of everything that an account may do. Each
test has other officers at work beside it (hostile.py)."""

import concurrent.futures
import contextlib
import select
import time
import unittest

import hostile
import line
from matrix_api import quoted

V3 = "/_matrix/client/v3"


# docs/limits.md, "Rates": in each class so many at once, then one in so many seconds; of a user, and for signing in, where
# nobody is known yet, of an address.
RATES = {"login": (100, 1), "send": (100, 0.1), "write": (100, 0.1), "room": (200, 1)}


class HostileApi(hostile.HostileTest):
    def until_refused(self, ask, rate):
        """Asks again and again until it is too often: how many were taken, which is what the rate of that class lets pass."""
        burst, interval = RATES[rate]
        start = time.monotonic()
        for taken in range(100 * burst):
            status, answer = ask(taken)
            if status == 429:
                self.assertEqual(answer["errcode"], "M_LIMIT_EXCEEDED")
                self.assertGreater(answer["retry_after_ms"], 0)
                break
            self.assertEqual(status, 200, answer)
        # The sign-in before it was one, too.
        self.assertGreaterEqual(taken, burst - 1)
        self.assertLessEqual(taken, burst + (time.monotonic() - start) / interval + 1)
        return taken

    def test_login_guessing(self):
        """A stranger guesses at an account from one address, then from many. Its owner signs in beside it; so
        does who has the same address as the stranger."""
        victim, neighbour = self.attacker("victim", "127.0.0.9"), self.attacker("neighbour", "127.0.0.9")
        with self.attack("login guessing", memory=48):
            with line.Line(self.site.port, self.site.ca, address="127.0.0.2") as stranger:
                statuses = []
                start = time.monotonic()
                while 429 not in statuses:
                    statuses.append(stranger.ask("POST", f"{V3}/login", victim.proof(f"guess {len(statuses)}"))[0])
                    # Five, and after them one for each second, two seconds, four and so on.
                    self.assertLessEqual(len(statuses), 6 + (time.monotonic() - start), "one may guess without end")
                self.assertEqual(set(statuses[:-1]), {403})
                self.assertGreaterEqual(len(statuses), 6, "a mistake is no guess")
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
                # What TLS sends by itself, tickets, is read with this.
                self.assertEqual(one.ask("GET", "/_matrix/client/versions")[0], 200)
            *older, newest = lines
            for one in older:
                one.begin("GET", f"{V3}/sync?since={since}&timeout=8000", token=hoarder.token)
            # All but the four that may wait: only then is it certain which one comes last.
            self.wait_for("those that may not wait", lambda: len(select.select([one.http.sock for one in older], [], [], 0)[0]) >= 35)
            newest.begin("GET", f"{V3}/sync?since={since}&timeout=8000", token=hoarder.token)
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
            self.until_refused(lambda _: one.ask("POST", f"{V3}/login", one.proof(one.password)), "login")

    def test_to_device_flood(self):
        victim, one = self.attacker("flooded", "127.0.0.41"), self.attacker("flooder")
        content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": "x" * 10_000}
        device = victim.call("GET", f"{V3}/account/whoami")["device_id"]
        since = victim.call("GET", f"{V3}/sync?timeout=0")["next_batch"]

        def send(number):
            return one.ask("PUT", f"{V3}/sendToDevice/m.room.encrypted/{number}",
                           {"messages": {victim.user_id: {device: content | {"n": number}}}})
        with self.attack("to-device flood", memory=24):
            taken = self.until_refused(send, "send")
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

    def test_room_floods(self):
        """Making rooms, joining them, leaving and joining again."""
        maker, joiner = self.attacker("maker"), self.attacker("joiner", "127.0.0.42")
        with self.attack("rooms without end", memory=24):
            rooms = []

            def make(_):
                status, answer = maker.ask("POST", f"{V3}/createRoom", {"preset": "public_chat"})
                if status == 200:
                    rooms.append(answer["room_id"])
                return status, answer
            self.until_refused(make, "room")

            def join(number):
                status, answer = joiner.ask("POST", f"{V3}/join/{quoted(rooms[number // 2 % len(rooms)])}", {})
                if status == 200 and number % 2:
                    joiner.ask("POST", f"{V3}/rooms/{quoted(rooms[number // 2 % len(rooms)])}/leave", {})
                return status, answer
            self.until_refused(join, "room")

    def test_filter_flood(self):
        one = self.attacker("collector")
        path = f"{V3}/user/{quoted(one.user_id)}/filter"
        with self.attack("filters without end", memory=24):
            self.until_refused(lambda n: one.ask("POST", path, {"room": {"timeline": {"limit": n}}}), "write")


class Unhurried(hostile.ShortTimes):
    """A site that lets an officer ask so often that what an account may have is reached."""

    def configuration(self):
        files = super().configuration()
        files["gimsd"] += "\n[rates]\nusers = 100\naddresses = 100\n"
        # Nobody is there.
        files["gimsd"] += f'[push]\nsocket = "{self.run}/push.sock"\nurl = "https://push.internal/_matrix/push/v1/notify"\n'
        return files


class HostileQuotas(hostile.HostileTest):
    """What one account may have, reached: docs/limits.md, "Accounts and devices", "Encryption", "Sync"."""

    site_class = Unhurried

    def until_full(self, ask, most, status, errcode):
        """Exactly `most` are taken; the next is refused, as often as it is asked for."""
        for taken in range(most):
            answered, answer = ask(taken)
            self.assertEqual(answered, 200, f"{taken}: {answer}")
        for again in range(3):
            answered, answer = ask(most + again)
            self.assertEqual((answered, answer["errcode"]), (status, errcode), answer)

    def test_filters(self):
        one = self.attacker("filters")
        path = f"{V3}/user/{quoted(one.user_id)}/filter"
        with self.attack("500 filters", memory=24, disk=16):
            self.until_full(lambda n: one.ask("POST", path, {"room": {"timeline": {"limit": n + 1}}}), 500, 413, "M_TOO_LARGE")

    def test_backup_versions(self):
        one = self.attacker("backups")
        backup = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": "a" * 43}}
        with self.attack("100 backup versions", memory=24):
            self.until_full(lambda _: one.ask("POST", f"{V3}/room_keys/version", backup), 100, 413, "M_TOO_LARGE")

    def test_pushers(self):
        one = self.attacker("pushers")
        pusher = lambda n: {"kind": "http", "app_id": "a", "pushkey": f"key {n}", "app_display_name": "a", "device_display_name": "d",
                            "lang": "en", "append": True, "data": {"url": "https://push.internal/_matrix/push/v1/notify"}}
        with self.attack("100 pushers", memory=24):
            self.until_full(lambda n: one.ask("POST", f"{V3}/pushers/set", pusher(n)), 100, 413, "M_TOO_LARGE")

    def test_devices(self):
        one = self.attacker("devices", "127.0.0.44")
        proof = one.proof(one.password)
        with self.attack("500 devices", memory=48, disk=16):
            self.until_full(lambda _: one.ask("POST", f"{V3}/login", proof), 499, 403, "M_FORBIDDEN")

    def test_account_data(self):
        one = self.attacker("account.data")
        path = f"{V3}/user/{quoted(one.user_id)}/account_data/gims."
        with self.attack("32 MiB of account data", memory=48, disk=64):
            taken = 0
            while (answer := one.ask("PUT", f"{path}{taken}", {"a": "b" * 1_000_000}))[0] == 200:
                taken += 1
                self.assertLessEqual(taken * 1_000_000, 32 << 20, "it takes all")
            self.assertEqual((answer[0], answer[1]["errcode"]), (413, "M_TOO_LARGE"))
            self.assertGreaterEqual(taken, 30)

    def test_long_polls_of_many_devices(self):
        """One user polls on 20 devices at once: 16 wait, whichever they are, and the others are told to ask later."""
        one = self.attacker("many.polls", "127.0.0.43")
        devices = [one.call("POST", f"{V3}/login", one.proof(one.password))["access_token"] for _ in range(20)]
        room = one.call("POST", f"{V3}/createRoom", {"preset": "private_chat"})["room_id"]
        with (self.attack("long polls of 20 devices of one user", memory=16), contextlib.ExitStack() as open_ones,
              concurrent.futures.ThreadPoolExecutor(len(devices)) as pool):
            lines = [open_ones.enter_context(line.Line(self.site.port, self.site.ca, address="127.0.0.43")) for _ in devices]
            since = [one.ask("GET", f"{V3}/sync?timeout=0", token=token)[1]["next_batch"] for one, token in zip(lines, devices)]
            polls = [pool.submit(one.ask, "GET", f"{V3}/sync?since={place}&timeout=120000", None, token)
                     for one, token, place in zip(lines, devices, since)]
            self.wait_for("those that may not wait", lambda: sum(poll.done() for poll in polls) >= 4)
            event = one.call("PUT", f"{V3}/rooms/{quoted(room)}/send/m.room.encrypted/1",
                             {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "YQ", "session_id": "s"})["event_id"]
            answers = [poll.result() for poll in polls]
            waited = [answer for status, answer in answers if status == 200]
            self.assertEqual(len(waited), 16)
            refused = [answer for status, answer in answers if status != 200]
            self.assertEqual({(answer["errcode"], answer["retry_after_ms"]) for answer in refused}, {("M_LIMIT_EXCEEDED", 5000)})
            for answer in waited:
                self.assertEqual(answer["rooms"]["join"][room]["timeline"]["events"][-1]["event_id"], event)


class HostileStars(hostile.HostileTest):
    """Apart from the others, since the kernel counts what it keeps of the files for gimsd's memory, too."""

    site_class = Unhurried

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
        # Ten times 3.4 MiB, in the log and then in the database.
        with self.attack("to-device messages to every device", memory=48, disk=80):
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


if __name__ == "__main__":
    unittest.main()

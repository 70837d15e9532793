"""The disk gets full, or a write, an fsync or a read fails, while officers send: what cannot be stored is refused and
says why, reads go on where the disk lets them, and with the cause cured everything acknowledged is there, once. What is
acknowledged of an upload was synced before, in the order that a cut of power asks for."""

import asyncio
import errno
import io
import mmap
import os
import struct
import subprocess
import unittest

import matrix_api
from rig import BUILD, SiteTest

SENDERS = 4
SMALL = 64 << 20  # bytes of a disk on which the database has room
LARGE = (1 << 30) + (64 << 20)  # ... and media: gimsd leaves 1 GiB free
FAILING_DISK = BUILD / "tests/support/libgims_failing_disk.so"
REFUSALS = ("The server's disk is full. Nothing was stored; tell the administrator.",
            "The server cannot read or write its disk. Nothing was stored; tell the administrator.",
            "The server cannot store anything now. Tell the administrator.")


def setUpModule():
    """Mounts of this test are its own, and end with it."""
    os.unshare(os.CLONE_NEWNS)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Control:
    """What tests/support/failing_disk.cpp is told, and what it noted."""

    FAULTS = ("fdatasync", "fsync", "read", "write")  # the errno of each
    HALVED, BROKEN_OFF = 1, 2  # of `shortness`
    CALLS = {1: "write", 2: "fsync", 3: "fdatasync", 4: "rename"}
    MOST = 1 << 16

    def __init__(self, path):
        with open(path, "w+b") as file:
            os.fchmod(file.fileno(), 0o666)
            file.truncate(16 + 16 * self.MOST)
            self.map = mmap.mmap(file.fileno(), 0)

    def fail(self, **faults):
        for name, error in faults.items():
            self.map[self.FAULTS.index(name)] = error

    def shorten(self, how):
        self.map[4] = how

    def heal(self):
        self.map[:5] = bytes(5)

    def notes(self):
        """(call, inode) of what was written, synced and renamed since the start, in order."""
        noted, = struct.unpack_from("<Q", self.map, 8)
        assert noted <= self.MOST, "too much was written for the notes"
        return [(self.CALLS[call], inode) for call, inode in struct.iter_unpack("<QQ", self.map[16:16 + 16 * noted]) if call]


class Load:
    """Officers who send to a room until they are refused, and one who reads along."""

    def __init__(self, test, clients):
        self.test, self.senders, self.reader = test, clients[:SENDERS], clients[SENDERS]
        self.acknowledged = {}  # (sender, counter) -> event id
        self.refused = {}  # sender -> (counter, status, body)
        self.refusals = 0  # ... of send_over_refusals

    async def begin(self):
        names = [f"officer{i}" for i in range(SENDERS)]
        for sender, name in zip(self.senders, names):
            self.password = self.test.site.add_user(name)
            await sender.login(name, self.password)
        await self.reader.login(names[-1], self.password)
        creator, others = self.senders[0], self.senders[1:]
        self.room = await creator.create_room(preset="private_chat", invite=[other.user_id for other in others])
        for other in others:
            await other.join(self.room)
        self.since = (await self.reader.call("GET", "/_matrix/client/v3/sync"))["next_batch"]

    async def put(self, sender, counter):
        while True:
            status, body = await sender.raw("PUT", sender.send_path(self.room, f"t{counter}"), matrix_api.encrypted(counter))
            if status != 429:
                return status, body
            await asyncio.sleep(body["retry_after_ms"] / 1000)

    async def send_until_refused(self, sender):
        counter = 0
        while True:
            status, body = await self.put(sender, counter)
            if status != 200:
                self.refused[sender] = (counter, status, body)
                return
            self.acknowledged[sender.user_id, counter] = body["event_id"]
            counter += 1

    async def events(self):
        """(sender, counter) -> event id, of the whole room; a counter that is there twice is a failure."""
        found = {}
        for event in await self.reader.messages(self.room):
            if event["type"] == "m.room.encrypted":
                key = event["sender"], event["content"]["gims.counter"]
                self.test.assertNotIn(key, found, "an event is there twice")
                found[key] = event["event_id"]
        return found


class DiskTest(SiteTest):
    started = False

    def setUp(self):
        super().setUp()
        self.disk = self.site.folder / "gimsd"

    def mount(self, size):
        """A disk of that size for gimsd's data."""
        self.disk.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "disk", self.disk], check=True)
        self.site.start()

    def end(self):
        super().end()
        subprocess.run(["umount", self.disk], stderr=subprocess.DEVNULL)

    def used(self):
        disk = os.statvfs(self.disk)
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.disk], check=True)

    def fill(self):
        """No room is left. What is being written meanwhile may need it first: then once more."""
        self.wait_for("a full disk", lambda: subprocess.run(["mount", "-o", f"remount,size={self.used()}", self.disk],
                                                            stderr=subprocess.DEVNULL).returncode == 0)

    def clients(self, count):
        return [self.client() for _ in range(count)]

    def assert_refused(self, status, body):
        self.assertEqual(status, 503, body)
        self.assertEqual(body["errcode"], "M_UNKNOWN")
        self.assertIn(body["error"], REFUSALS)

    # ---- the database -----------------------------------------------------------------------------------

    def test_full_disk(self):
        self.mount(SMALL)

        def fill():
            self.resize(self.used() + (256 << 10))

        async def scenario(load):
            # A restart alone, without room, brings the reads back, and nothing is lost by it.
            self.site.gimsd.stop()
            self.site.start_gimsd()
            await self.assert_reads(load)
            self.site.gimsd.stop()
            self.resize(SMALL)
            self.site.start_gimsd()

        self.run_against(fill, scenario, "disk is full")

    def start_with_failing_disk(self):
        """A site whose gimsd has a disk of its own, which does what Control says."""
        path = self.site.folder / "failing"
        path.parent.mkdir(parents=True)
        disk = Control(path)
        self.addCleanup(disk.map.close)
        self.site.gimsd.environment = {"LD_PRELOAD": str(FAILING_DISK), "GIMS_FAILING_DISK": str(path),
                                       "GIMS_FAILING_DISK_FOLDER": str(self.disk)}
        self.mount(SMALL + LARGE)
        return disk

    def fail_commits(self, fail):
        """Until the restart nothing is stored, though the disk is well again: only that tells what is on it."""
        disk = self.start_with_failing_disk()

        async def scenario(load):
            disk.heal()
            self.assert_refused(*await load.put(load.senders[0], 1 << 20))
            self.assert_refused(*await self.upload(load.reader, b"content"))
            self.assertEqual(self.media(), [], "an upload that failed left a file")
            self.assertEqual(self.site.gimsd.stop(), 0)
            self.site.start_gimsd()

        self.run_against(lambda: fail(disk), scenario, "cannot read or write its disk")

    def test_failed_fsync(self):
        self.fail_commits(lambda disk: disk.fail(fdatasync=errno.EIO, fsync=errno.EIO))

    def test_failed_write(self):
        self.fail_commits(lambda disk: disk.fail(write=errno.EIO))

    def test_broken_off_write(self):
        self.fail_commits(lambda disk: disk.shorten(Control.BROKEN_OFF))

    def test_short_writes(self):
        """A write that takes half of what it was given, again and again, is no fault."""
        disk = self.start_with_failing_disk()
        disk.shorten(Control.HALVED)

        async def scenario():
            async with matrix_api.together(self.clients(SENDERS + 1)) as clients:
                load = Load(self, clients)
                await load.begin()
                for counter in range(20):
                    for sender in load.senders:
                        status, body = await load.put(sender, counter)
                        self.assertEqual(status, 200, body)
                        load.acknowledged[sender.user_id, counter] = body["event_id"]
                content = os.urandom(300_000)
                status, body = await self.upload(load.reader, content)
                self.assertEqual(status, 200, body)
                self.site.gimsd.kill()
                self.site.start_gimsd()
                self.assertEqual(await self.events_of(load), load.acknowledged)
                self.assertEqual(await self.download(load.reader, body), (200, content))
        asyncio.run(scenario())
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))

    def test_failed_read(self):
        """Reads fail for a while: what needs them is refused, and says why; what was acknowledged before and
        meanwhile is there. A commit that fails of it makes the store read-only, as any other."""
        disk = self.start_with_failing_disk()

        async def scenario():
            async with matrix_api.together(self.clients(SENDERS + 1)) as clients:
                load = Load(self, clients)
                await load.begin()
                status, file = await self.upload(load.reader, b"content")
                self.assertEqual(status, 200, file)
                over = asyncio.Event()
                tasks = [asyncio.create_task(self.send_over_refusals(load, sender, over)) for sender in load.senders]
                await self.until(lambda: len(load.acknowledged) > 50)
                disk.fail(read=errno.EIO)
                before = load.refusals
                for _ in range(10):
                    self.assert_unread(*await load.reader.raw(
                        "GET", f"/_matrix/client/v3/rooms/{matrix_api.quoted(load.room)}/messages", dir="b", limit=100))
                self.assertEqual((await self.download(load.reader, file))[0], 503)
                # What the writer has in no cache: it may have to give up the commit.
                status, body = await load.reader.raw("POST", "/_matrix/client/v3/keys/claim", {"one_time_keys": {
                    load.reader.user_id: {load.reader.device_id: "signed_curve25519"}}})
                if status != 200:
                    self.assert_unread(status, body)
                await asyncio.sleep(0.3)
                disk.heal()
                writable = "READ-ONLY" not in self.gimsctl("status")[1]
                print(f"{len(load.acknowledged)} events acknowledged, {load.refusals - before} refused while reads failed; "
                      f"the store is {'writable' if writable else 'read-only'}", flush=True)
                if not writable:
                    self.assertEqual(self.site.gimsd.stop(), 0)
                    self.site.start_gimsd()
                goal = len(load.acknowledged) + 50
                await self.until(lambda: len(load.acknowledged) > goal)
                over.set()
                await asyncio.gather(*tasks)
                # Each was repeated until it was acknowledged, with the same transaction.
                self.assertEqual(await self.events_of(load), load.acknowledged)
                self.assertEqual(await self.download(load.reader, file), (200, b"content"))
        asyncio.run(scenario())
        self.assertEqual(self.gimsctl("check", "--full"), (0, "the store is sound\n"))

    async def send_over_refusals(self, load, sender, over):
        counter = 0
        while not over.is_set():
            try:
                status, body = await load.put(sender, counter)
            except (matrix_api.aiohttp.ClientError, ConnectionError):  # the restart
                status = None
            if status == 200:
                load.acknowledged[sender.user_id, counter] = body["event_id"]
                counter += 1
                continue
            if status is not None:
                self.assert_unread(status, body)
                load.refusals += 1
            await asyncio.sleep(0.02)

    def assert_unread(self, status, body):
        """Of a read that the disk refuses SQLite says that the database is damaged."""
        self.assertEqual(status, 503, body)
        self.assertIn(body["error"], (*REFUSALS, "The server's database is damaged. Nothing was stored; tell the administrator.",
                                      "The server is stopping. Try again shortly."))

    async def until(self, true):
        deadline = asyncio.get_running_loop().time() + 120
        while not true():
            self.assertLess(asyncio.get_running_loop().time(), deadline, "in vain")
            await asyncio.sleep(0.01)

    def run_against(self, harm, cure, cause):
        async def run():
            async with matrix_api.together(self.clients(SENDERS + 1)) as clients:
                await self.scenario(Load(self, clients), harm, cure, cause)
        asyncio.run(run())

    async def scenario(self, load, harm, cure, cause):
        await load.begin()
        tasks = [asyncio.create_task(load.send_until_refused(sender)) for sender in load.senders]
        while len(load.acknowledged) < 50 and not any(task.done() for task in tasks):
            await asyncio.sleep(0.01)
        self.assertEqual(load.refused, {}, "refused before anything happened")
        harm()
        await asyncio.wait_for(asyncio.gather(*tasks), 120)
        for _, status, body in load.refused.values():
            self.assert_refused(status, body)

        line = self.wait_for_log(self.site.gimsd, "a commit failed: the store is read-only until the server is restarted")
        self.assertIn(cause, line)
        code, status = self.gimsctl("status")
        self.assertEqual(code, 0)
        self.assertRegex(status, f"store: +READ-ONLY: .*{cause}.*restart gimsd")
        self.wait_for("the unit's status", lambda: any(state.startswith("STATUS=READ-ONLY") for state in self.site.gimsd.states))
        await self.assert_reads(load)
        # What is no message is refused alike.
        self.assert_refused(*await load.reader.raw("POST", "/_matrix/client/v3/login", {
            "type": "m.login.password", "password": load.password,
            "identifier": {"type": "m.id.user", "user": f"officer{SENDERS - 1}"}}))
        code, text = self.gimsctl("user", "add", "late.officer", input="a password of some length")
        self.assertNotEqual(code, 0)
        self.assertIn("cannot store anything now", text)

        await cure(load)
        self.assertRegex(self.gimsctl("status")[1], "store: +writable")
        found = await self.events_of(load)
        for key, event_id in load.acknowledged.items():
            self.assertEqual(found.get(key), event_id, f"lost: {key}")
        sent = set(load.acknowledged) | {(sender.user_id, refused[0]) for sender, refused in load.refused.items()}
        self.assertLessEqual(set(found), sent)
        # The officers' programs try again what was refused, with the same transaction.
        for sender, (counter, _, _) in load.refused.items():
            status, body = await load.put(sender, counter)
            self.assertEqual(status, 200, body)
        self.assertEqual(set(await load.events()), sent)
        self.assertIn("the store is sound", self.gimsctl("check", "--full")[1])
        print(f"{len(load.acknowledged)} events acknowledged before: all there", flush=True)

    async def assert_reads(self, load):
        events = await self.events_of(load)
        self.assertLessEqual(set(load.acknowledged), set(events))
        answer = await load.reader.call("GET", "/_matrix/client/v3/sync", since=load.since)
        news = answer["rooms"]["join"][load.room]["timeline"]["events"]
        self.assertIn(news[-1]["event_id"], events.values())
        # A long poll waits and ends as ever.
        await load.reader.call("GET", "/_matrix/client/v3/sync", since=answer["next_batch"], timeout=50)

    async def events_of(self, load):
        """Also just after a restart: until gimsd takes connections again."""
        await load.reader.persistently("GET", "/_matrix/client/v3/joined_rooms")
        return await load.events()

    # ---- media -----------------------------------------------------------------------------------------

    def test_uploads(self):
        self.mount(LARGE)

        async def scenario():
            async with self.client() as officer:
                await officer.login("officer", self.site.add_user("officer"))
                await self.uploads(officer)
        asyncio.run(scenario())

    def test_upload_when_the_disk_fails(self):
        disk = self.start_with_failing_disk()

        async def scenario():
            async with self.client() as officer:
                await officer.login("officer", self.site.add_user("officer"))
                # The first request of a session notes when it was seen, beside the answer. Once what came after that is on
                # the disk, nothing but the upload writes.
                await officer.create_room(preset="private_chat")
                for fail, call in ((lambda: disk.fail(fsync=errno.EIO), "fsync"), (lambda: disk.fail(write=errno.EIO), "write"),
                                   (lambda: disk.shorten(Control.BROKEN_OFF), "write")):
                    before = self.log_size(self.site.gimsd)
                    fail()
                    status, body = await self.upload(officer, bytes(200_000))
                    disk.heal()
                    self.assertEqual((status, body), (503, {
                        "errcode": "M_UNKNOWN",
                        "error": "The server cannot write its disk. Nothing was stored; tell its administrator."}))
                    self.wait_for_log(self.site.gimsd, f"{call} of a media file: Input/output error", before)
                    self.assertEqual(self.media(), [])
                self.assertEqual((await self.upload(officer, b"content"))[0], 200)
        asyncio.run(scenario())

    def test_order_of_what_an_upload_syncs(self):
        """A cut of power after the answer finds the file, its name and its row: the file is synced when its last byte
        is written, then it gets its name, then the folder is synced, then the row is committed, and then it is
        acknowledged."""
        disk = self.start_with_failing_disk()

        async def scenario():
            async with self.client() as officer:
                await officer.login("officer", self.site.add_user("officer"))
                for size in (1, 65_536, 300_000):
                    status, body = await self.upload(officer, os.urandom(size))
                    notes = disk.notes()
                    self.assertEqual(status, 200, body)
                    self.assert_order(notes, body["content_uri"].split("/")[-1])
        asyncio.run(scenario())

    def assert_order(self, notes, name):
        inode = lambda path: (self.disk / path).stat().st_ino
        file, folder, log = inode(f"media/{name}"), inode("media"), inode("gims.db-wal")
        last = lambda call, of: max(i for i, note in enumerate(notes) if note == (call, of))
        written, synced, named = (last(call, file) for call in ("write", "fsync", "rename"))
        steps = (written, synced, named, last("fsync", folder), last("write", log), last("fdatasync", log))
        self.assertEqual(list(steps), sorted(steps), "written, synced, named, the folder synced, the row written, committed")

    async def upload(self, officer, data):
        """data: bytes, sent with their length, or an asynchronous generator of them, without."""
        async with officer.session.post(officer.url + "/_matrix/media/v3/upload", data=data, headers={
                "Authorization": f"Bearer {officer.token}", "Content-Type": "application/octet-stream"}) as response:
            return response.status, await response.json()

    async def download(self, officer, uploaded):
        name = uploaded["content_uri"].removeprefix("mxc://")
        async with officer.session.get(f"{officer.url}/_matrix/client/v1/media/download/{name}",
                                       headers={"Authorization": f"Bearer {officer.token}"}) as response:
            return response.status, await response.read()

    def media(self):
        return sorted(path.name for path in (self.disk / "media").iterdir())

    async def uploads(self, officer):
        async def pieces():
            for i in range(24):
                if i == 12:
                    await asyncio.to_thread(self.wait_for, "the first pieces on the disk", lambda: self.used() > before + (512 << 10))
                    self.fill()
                yield bytes(64 << 10)

        before = self.used()
        status, body = await self.upload(officer, pieces())
        self.assert_no_room(status, body)
        self.assertEqual(self.media(), [], "an upload that failed left a file")
        self.assertNotIn("read-only", self.site.gimsd.log.read_text(errors="replace"))

        # Less than the reserve is left: refused before the first byte is stored, whether its size is known or not.
        self.resize(self.used() + (1 << 30) + (1 << 20))
        self.assert_no_room(*await self.upload(officer, io.BytesIO(bytes(2 << 20))))
        self.resize(self.used() + (1 << 30) - (1 << 20))

        async def one():
            yield b"x"
        self.assert_no_room(*await self.upload(officer, one()))
        self.assertEqual(self.media(), [])

        # With room again it goes on, without a restart.
        self.resize(LARGE)
        content = os.urandom(300_000)
        status, body = await self.upload(officer, content)
        self.assertEqual(status, 200, body)
        self.assertEqual(await self.download(officer, body), (200, content))
        self.assertEqual(self.media(), [body["content_uri"].split("/")[-1]])

    def assert_no_room(self, status, body):
        self.assertEqual(status, 503, body)
        self.assertEqual(body["errcode"], "M_UNKNOWN")
        self.assertRegex(body["error"], "has no room for .*Tell its administrator")


if __name__ == "__main__":
    unittest.main()

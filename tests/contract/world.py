"""The users and rooms that the success cases use, made when first asked for."""

import hashlib
import hmac
import itertools
from functools import cached_property

from testsite import fill

V3 = "/_matrix/client/v3"
PASSWORD = "correct horse battery"


class User:
    def __init__(self, world, name):
        self.world = world
        body = world.expect(200, "POST", V3 + "/register", {
            "username": name, "password": PASSWORD, "refresh_token": True, "auth": {"type": "m.login.dummy"}}).body
        self.id, self.token, self.device = body["user_id"], body["access_token"], body["device_id"]
        self.refresh_token = body.get("refresh_token")

    def ask(self, method, path, body=None, **more):
        return self.world.site.ask(method, path, body, token=self.token, **more)

    def expect(self, status, method, path, body=None, **more):
        return self.world.expect(status, method, path, body, token=self.token, **more)

    def password(self, **more):
        """A body with the password as re-authentication."""
        return {**more, "auth": {"type": "m.login.password", "password": PASSWORD,
                                 "identifier": {"type": "m.id.user", "user": self.id}}}


class World:
    def __init__(self, site):
        self.site = site
        self.numbers = itertools.count(1)

    def expect(self, status, method, path, body=None, **more):
        answer = self.site.ask(method, path, body, **more)
        if answer.status != status:
            raise AssertionError(f"set-up wanted {status}: {answer}")
        return answer

    def number(self):
        return next(self.numbers)

    def new_user(self):
        return User(self, f"officer{self.number()}")

    @cached_property
    def asha(self):
        return User(self, "asha")

    @cached_property
    def bina(self):
        return User(self, "bina")

    @cached_property
    def stranger(self):
        return User(self, "stranger")

    def new_room(self, *members, **options):
        """A room of Asha's; the members have joined."""
        room = self.asha.expect(200, "POST", V3 + "/createRoom", {
            "preset": "private_chat", "invite": [member.id for member in members], **options}).body["room_id"]
        for member in members:
            member.expect(200, "POST", fill(V3 + "/rooms/{r}/join", r=room), {})
        return room

    @cached_property
    def room(self):
        return self.new_room(self.bina)

    @cached_property
    def public_room(self):
        return self.new_room(preset="public_chat", visibility="public", name="Duty desk", room_alias_name="desk")

    @property
    def alias(self):
        self.public_room
        return "#desk:gims.internal"

    def say(self, room=None, user=None, **content):
        user, room = user or self.asha, room or self.room
        path = fill(V3 + "/rooms/{r}/send/m.room.message/{t}", r=room, t=f"txn{self.number()}")
        return user.expect(200, "PUT", path, {"msgtype": "m.text", "body": "नमस्ते", **content}).body["event_id"]

    @cached_property
    def event(self):
        return self.say()

    def reply_to(self, event, kind="m.thread"):
        return self.say(**{"m.relates_to": {"rel_type": kind, "event_id": event}})

    def registration(self, name):
        nonce = self.expect(200, "GET", "/_synapse/admin/v1/register").body["nonce"]
        mac = hmac.new(b"contract", b"\0".join([nonce.encode(), name.encode(), PASSWORD.encode(), b"notadmin"]), hashlib.sha1)
        return {"nonce": nonce, "username": name, "password": PASSWORD, "admin": False, "mac": mac.hexdigest()}

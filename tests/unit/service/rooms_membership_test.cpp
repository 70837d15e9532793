#include <gtest/gtest.h>

#include <string>

#include "service/accounts/account_data.hpp"
#include "service/accounts/users.hpp"
#include "service/push/push_rules.hpp"
#include "store/statements/memberships.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::RoomsFixture;

TEST(Membership, GoesFromInvitationToJoinToLeaving) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  EXPECT_EQ(code_of(site.act("desk.officer", Act::join, room)), "M_FORBIDDEN");
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "desk.officer"));
  EXPECT_EQ(site.membership(room, "desk.officer"), "invite");
  ASSERT_TRUE(site.act("desk.officer", Act::join, room));
  EXPECT_EQ(site.membership(room, "desk.officer"), "join");
  EXPECT_EQ(site.rooms.joined_rooms(RoomsFixture::id("desk.officer"))->front(), room);
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  EXPECT_EQ(site.membership(room, "desk.officer"), "leave");
  EXPECT_TRUE(site.rooms.joined_rooms(RoomsFixture::id("desk.officer"))->empty());
  const auto changes = site.listener.all<store::MembershipChanged>();
  EXPECT_EQ(changes.back().membership, "leave");
  EXPECT_EQ(changes.back().previous_membership, "join");
}

TEST(Membership, WhatIsSoAlreadyMakesNoEvent) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "under.secretary"));
  const auto events = site.timeline(room).size();
  EXPECT_TRUE(site.act("desk.officer", Act::join, room));
  EXPECT_TRUE(site.act("joint.secretary", Act::invite, room, "under.secretary"));
  EXPECT_EQ(site.timeline(room).size(), events);
}

TEST(Membership, AStrangerCannotTellARoomFromNone) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  for (const Act act : {Act::join, Act::knock, Act::leave}) {
    const auto real = site.act("stranger", act, room);
    const auto none = site.act("stranger", act, "!nothing:gims.internal");
    ASSERT_FALSE(real);
    ASSERT_FALSE(none);
    EXPECT_EQ(real.error().code, "M_FORBIDDEN");
    EXPECT_EQ(real.error().code, none.error().code);
    EXPECT_EQ(real.error().text, none.error().text);
  }
}

TEST(Membership, RoomsOfAUserHaveAnEnd) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"under.secretary"});
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "desk.officer"));
  const std::string own = site.room_of("desk.officer");
  const std::string many =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) "
      "INSERT INTO memberships (user_id, room_nid, membership, event_id, stream_id, sender) "
      "SELECT '" +
      RoomsFixture::id("desk.officer") + "', 1000 + i, 'join', '$' || i, 0, '' FROM n";
  ASSERT_TRUE(
      site.store.write([&](store::Transaction& t) -> Result<> { return t.sql().script(many); }));
  EXPECT_EQ(code_of(site.act("desk.officer", Act::join, room)), "M_FORBIDDEN");
  EXPECT_EQ(site.membership(room, "desk.officer"), "invite");
  EXPECT_EQ(code_of(site.create("desk.officer")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.upgrade("desk.officer", own, "12")), "M_FORBIDDEN");
  EXPECT_TRUE(site.act("desk.officer", Act::join, own)) << "no further one";
  ASSERT_TRUE(site.act("desk.officer", Act::leave, own));
  EXPECT_TRUE(site.act("desk.officer", Act::join, room));
}

TEST(Membership, NamesOfTheProfileGoWithWhoComesIn) {
  RoomsFixture site;
  site.set_profile("desk.officer", "displayname", R"("Desk Officer")");
  site.set_profile("desk.officer", "avatar_url", R"("mxc://gims.internal/a")");
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto content = site.state(room, "m.room.member", RoomsFixture::id("desk.officer"));
  EXPECT_EQ(content.root().get("content").get("displayname").as_string(), "Desk Officer");
  EXPECT_EQ(content.root().get("content").get("avatar_url").as_string(), "mxc://gims.internal/a");
}

TEST(Membership, KickBanAndUnban) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  EXPECT_EQ(code_of(site.act("desk.officer", Act::kick, room, "under.secretary")), "M_FORBIDDEN");
  ASSERT_TRUE(site.act("joint.secretary", Act::kick, room, "desk.officer"));
  EXPECT_EQ(site.membership(room, "desk.officer"), "leave");
  EXPECT_EQ(code_of(site.act("joint.secretary", Act::kick, room, "desk.officer")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.act("joint.secretary", Act::unban, room, "under.secretary")),
            "M_BAD_STATE");
  ASSERT_TRUE(site.act("joint.secretary", Act::ban, room, "under.secretary"));
  EXPECT_EQ(code_of(site.act("joint.secretary", Act::invite, room, "under.secretary")),
            "M_FORBIDDEN");
  ASSERT_TRUE(site.act("joint.secretary", Act::unban, room, "under.secretary"));
  EXPECT_EQ(site.membership(room, "under.secretary"), "leave");
}

TEST(Membership, InvitationsReachUsersOfThisServerOnly) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto invite = [&](std::string target) {
    return code_of(RoomsFixture::wait<std::string>([&](auto done) {
      site.rooms.set_membership(RoomsFixture::actor("joint.secretary"), Act::invite, room, target,
                                {}, std::move(done));
    }));
  };
  EXPECT_EQ(invite("nobody"), "M_INVALID_PARAM");
  EXPECT_EQ(invite("@nobody:gims.internal"), "M_NOT_FOUND");
  EXPECT_EQ(invite("@officer:elsewhere.internal"), "M_FORBIDDEN");
  EXPECT_EQ(invite("@joint.secretary:gims.internal"), "M_FORBIDDEN");
}

TEST(Membership, KnockingNeedsARuleThatAllowsIt) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  EXPECT_EQ(code_of(site.act("desk.officer", Act::knock, room)), "M_FORBIDDEN");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.join_rules", R"({"join_rule":"knock"})"));
  ASSERT_TRUE(site.act("desk.officer", Act::knock, room));
  EXPECT_EQ(site.membership(room, "desk.officer"), "knock");
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "desk.officer"));
  ASSERT_TRUE(site.act("desk.officer", Act::join, room));
}

TEST(Membership, RestrictedRoomsLetMembersOfTheOtherIn) {
  RoomsFixture site;
  const std::string ministry = site.room_of("joint.secretary", {"desk.officer"});
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(
      site.put("joint.secretary", room, "m.room.join_rules",
               R"({"join_rule":"restricted","allow":[{"type":"m.room_membership","room_id":")" +
                   ministry + R"("}]})"));
  EXPECT_EQ(code_of(site.act("stranger", Act::join, room)), "M_FORBIDDEN");
  ASSERT_TRUE(site.act("desk.officer", Act::join, room));
  const auto member = site.state(room, "m.room.member", RoomsFixture::id("desk.officer"));
  EXPECT_EQ(member.root().get("content").get("join_authorised_via_users_server").as_string(),
            "@joint.secretary:gims.internal");
  // Nobody vouches for themselves.
  EXPECT_EQ(
      code_of(site.put(
          "stranger", room, "m.room.member",
          R"({"membership":"join","join_authorised_via_users_server":"@joint.secretary:gims.internal"})",
          "@stranger:gims.internal")),
      "M_FORBIDDEN");
}

TEST(Membership, OnlyWhatWasLeftCanBeForgotten) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  EXPECT_EQ(code_of(site.forget("desk.officer", room)), "M_UNKNOWN");
  EXPECT_EQ(code_of(site.forget("stranger", room)), "M_UNKNOWN");
  EXPECT_EQ(code_of(site.forget("stranger", "!nothing:gims.internal")), "M_UNKNOWN");
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  const auto viewer = RoomsFixture::actor("desk.officer");
  EXPECT_TRUE(site.reads.messages(viewer, room, {}));
  ASSERT_TRUE(site.forget("desk.officer", room));
  EXPECT_EQ(code_of(site.reads.messages(viewer, room, {})), "M_FORBIDDEN");
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "desk.officer"));
  ASSERT_TRUE(site.act("desk.officer", Act::join, room));
  EXPECT_TRUE(site.reads.messages(viewer, room, {}));
}

TEST(Membership, AProfileChangeReachesEveryJoinedRoom) {
  RoomsFixture site;
  const std::string one = site.room_of("joint.secretary", {"desk.officer"});
  const std::string two = site.room_of("desk.officer");
  const std::string left = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.act("desk.officer", Act::leave, left));
  const std::string user = RoomsFixture::id("desk.officer");
  ASSERT_TRUE(site.store.write([&](store::Transaction& transaction) {
    return site.rooms.profile_changed(transaction, user, R"("New Name")", std::nullopt);
  }));
  for (const std::string& room : {one, two}) {
    EXPECT_EQ(site.state(room, "m.room.member", user)
                  .root()
                  .get("content")
                  .get("displayname")
                  .as_string(),
              "New Name");
  }
  EXPECT_EQ(site.membership(left, "desk.officer"), "leave");
}

TEST(Membership, LeavingAllRefusesInvitationsToo) {
  RoomsFixture site;
  const std::string joined = site.room_of("joint.secretary", {"desk.officer"});
  const std::string invited = site.room_of("joint.secretary");
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, invited, "desk.officer"));
  ASSERT_TRUE(site.store.write([&](store::Transaction& transaction) {
    return site.rooms.leave_all_rooms(transaction, RoomsFixture::id("desk.officer"));
  }));
  EXPECT_EQ(site.membership(joined, "desk.officer"), "leave");
  EXPECT_EQ(site.membership(invited, "desk.officer"), "leave");
}

TEST(Membership, ADeactivatedAccountLeavesItsRooms) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  Passwords passwords({.pepper = *SecretBytes::random(32), .data = *SecretBytes::random(32)},
                      site.policy.password_cost, 1, 8);
  Users users(*site.store, passwords, site.policy);
  users.at_deactivation([&](store::Transaction& transaction, std::string_view user_id) {
    return site.rooms.leave_all_rooms(transaction, user_id);
  });
  const auto set_state = [&](UserState state) {
    return RoomsFixture::wait<void>([&](auto done) {
      users.set_state(RoomsFixture::id("desk.officer"), state,
                      {.name = "gimsctl uid 0", .origin = "gimsctl uid 0"}, std::move(done));
    });
  };
  ASSERT_TRUE(set_state(UserState::locked));
  EXPECT_EQ(site.membership(room, "desk.officer"), "join");
  ASSERT_TRUE(set_state(UserState::deactivated));
  EXPECT_EQ(site.membership(room, "desk.officer"), "leave");
}

TEST(Membership, UsersSharingARoomAreFound) {
  RoomsFixture site;
  site.room_of("joint.secretary", {"desk.officer"});
  site.room_of("under.secretary");
  auto reader = site.store->read();
  const auto rows = sql::all(reader->sql(), store::statements::UsersSharingARoom{
                                                .user_id = RoomsFixture::id("joint.secretary")});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].user_id, RoomsFixture::id("desk.officer"));
  EXPECT_EQ((*rows)[1].user_id, RoomsFixture::id("joint.secretary"));
}

TEST(Upgrade, CopiesTheRoomAndClosesTheOld) {
  RoomsFixture site;
  const std::string old = site.room_of(
      "joint.secretary", {"desk.officer", "under.secretary"},
      {.version = "10", .alias_localpart = "cabinet", .name = "Cabinet", .topic = "Papers"});
  ASSERT_TRUE(site.act("joint.secretary", Act::ban, old, "under.secretary"));
  EXPECT_EQ(code_of(site.upgrade("desk.officer", old, "12")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.upgrade("joint.secretary", old, "9")), "M_UNSUPPORTED_ROOM_VERSION");
  const auto upgraded = site.upgrade("joint.secretary", old, "12");
  ASSERT_TRUE(upgraded) << upgraded.error().text << upgraded.error().detail;
  const auto create = site.state(*upgraded, "m.room.create");
  EXPECT_EQ(create.root().get("content").get("predecessor").get("room_id").as_string(), old);
  EXPECT_EQ(create.root().get("content").get("room_version").as_string(), "12");
  EXPECT_EQ(site.state(*upgraded, "m.room.name").root().get("content").get("name").as_string(),
            "Cabinet");
  EXPECT_EQ(site.membership(*upgraded, "under.secretary"), "ban");
  EXPECT_EQ(
      site.state(old, "m.room.tombstone").root().get("content").get("replacement_room").as_string(),
      *upgraded);
  EXPECT_EQ(*site.rooms.resolve("#cabinet:gims.internal"), *upgraded);
  EXPECT_EQ(site.state(*upgraded, "m.room.power_levels").root().get("content").get("users").size(),
            0U);
  EXPECT_EQ(code_of(site.say("desk.officer", old, "anybody here?")), "M_FORBIDDEN");
  // And back down: the creator must be named again.
  const auto back = site.upgrade("joint.secretary", *upgraded, "11");
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(site.state(*back, "m.room.power_levels")
                .root()
                .get("content")
                .get("users")
                .get("@joint.secretary:gims.internal")
                .as_int(),
            100);
}

// Spec: "Room upgrades": a user's settings for the room go along when the user joins the new one.
class Succession : public ::testing::Test {
 protected:
  void put_data(std::string_view who, std::string_view type, std::string_view content,
                std::string_view of_room = "") {
    ASSERT_TRUE(site.store.write([&](store::Transaction& transaction) {
      return AccountData::put_in(transaction, RoomsFixture::id(who), of_room, type, content);
    }));
  }
  std::string data(std::string_view who, std::string_view type, std::string_view of_room = "") {
    return account_data.get(RoomsFixture::id(who), of_room, type).value_or("");
  }
  void silence(std::string_view who, std::string_view of_room) {
    ASSERT_TRUE(RoomsFixture::wait<void>([&](auto done) {
      rules.change(
          RoomsFixture::id(who),
          [of_room = std::string(of_room)](matrix::RuleSet& set) {
            const auto body = json::Document::parse(R"({"actions":["dont_notify"]})");
            return set.put(matrix::RuleKind::room, of_room, body->root());
          },
          std::move(done));
    }));
  }
  bool is_silenced(std::string_view who, std::string_view of_room) {
    const auto actions =
        rules.of(RoomsFixture::id(who))->actions_json(matrix::RuleKind::room, of_room);
    return actions && *actions == R"({"actions":["dont_notify"]})";
  }
  // Settings of all three kinds for the room.
  void set_up(std::string_view who, std::string_view of_room) {
    silence(who, of_room);
    put_data(who, "m.tag", R"({"tags":{"m.favourite":{}}})", of_room);
    put_data(who, "m.direct",
             R"({"@stranger:gims.internal":["!x:y",")" + std::string(of_room) +
                 R"("],"@nobody:gims.internal":["!x:y"]})");
  }
  void expect_same(std::string_view who, std::string_view replacement) {
    EXPECT_TRUE(is_silenced(who, old));
    EXPECT_TRUE(is_silenced(who, replacement)) << who;
    EXPECT_EQ(data(who, "m.tag", replacement), R"({"tags":{"m.favourite":{}}})");
    EXPECT_EQ(data(who, "m.direct"), R"({"@stranger:gims.internal":["!x:y",")" + old + R"(",")" +
                                         std::string(replacement) +
                                         R"("],"@nobody:gims.internal":["!x:y"]})");
  }

  RoomsFixture site;
  AccountData account_data{*site.store};
  PushRules rules{*site.store};
  std::string old = site.room_of("joint.secretary", {"desk.officer", "under.secretary"},
                                 {.version = "10", .preset = "public_chat"});
};

TEST_F(Succession, ByAnUpgrade) {
  set_up("joint.secretary", old);
  set_up("desk.officer", old);
  const std::string replacement = *site.upgrade("joint.secretary", old, "12");
  expect_same("joint.secretary", replacement);
  EXPECT_FALSE(is_silenced("desk.officer", replacement)) << "not before the join";
  ASSERT_TRUE(site.act("desk.officer", Act::join, replacement));
  expect_same("desk.officer", replacement);
  // Who had set up nothing has nothing now.
  ASSERT_TRUE(site.act("under.secretary", Act::join, replacement));
  EXPECT_EQ(data("under.secretary", "m.push_rules"), "");
  EXPECT_EQ(data("under.secretary", "m.tag", replacement), "");
  // Joining once more changes nothing that was changed since.
  put_data("desk.officer", "m.tag", R"({"tags":{}})", replacement);
  ASSERT_TRUE(site.act("desk.officer", Act::leave, replacement));
  ASSERT_TRUE(site.act("desk.officer", Act::join, replacement));
  EXPECT_EQ(data("desk.officer", "m.tag", replacement), R"({"tags":{}})");
}

TEST_F(Succession, ByHand) {
  set_up("joint.secretary", old);
  set_up("desk.officer", old);
  set_up("under.secretary", old);
  const std::string replacement =
      site.room_of("joint.secretary", {},
                   {.preset = "public_chat",
                    .creation_content = R"({"predecessor":{"room_id":")" + old + R"("}})"});
  expect_same("joint.secretary", replacement);
  // The old room does not say so: another's room may not take over one's settings.
  ASSERT_TRUE(site.act("under.secretary", Act::join, replacement));
  EXPECT_FALSE(is_silenced("under.secretary", replacement));
  EXPECT_EQ(data("under.secretary", "m.tag", replacement), "");
  ASSERT_TRUE(site.put("joint.secretary", old, "m.room.tombstone",
                       R"({"body":"moved","replacement_room":")" + replacement + R"("})"));
  ASSERT_TRUE(site.put("desk.officer", replacement, "m.room.member", R"({"membership":"join"})",
                       RoomsFixture::id("desk.officer")));
  expect_same("desk.officer", replacement);
}

// Complement's TestRoomMembers; the spec has the event's content open.
TEST(Membership, AJoinKeepsWhatTheClientPutsIntoIt) {
  RoomsFixture site;
  site.set_profile("desk.officer", "displayname", "\"Desk\"");
  const std::string room = site.room_of("joint.secretary", {}, {.preset = "public_chat"});
  const auto join = [&](std::string_view more) {
    return RoomsFixture::wait<std::string>([&](auto done) {
      site.rooms.set_membership(RoomsFixture::actor("desk.officer"), Act::join, room,
                                RoomsFixture::id("desk.officer"),
                                {.reason = "on duty", .more = std::string(more)}, std::move(done));
    });
  };
  ASSERT_TRUE(join(R"({"foo":{"bar":[1]},"reason":"x","membership":"ban","displayname":"Chief",
                      "avatar_url":"mxc://a/b","is_direct":true,"third_party_signed":{},
                      "third_party_invite":{},"join_authorised_via_users_server":"@x:y"})"));
  const auto member = site.state(room, "m.room.member", RoomsFixture::id("desk.officer"));
  EXPECT_EQ(member.root().get("content").to_text(),
            R"({"displayname":"Desk","foo":{"bar":[1]},"membership":"join","reason":"on duty"})");
  // Within what an event may be.
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  EXPECT_EQ(code_of(join(R"({"foo":")" + std::string(70'000, 'x') + R"("})")), "M_TOO_LARGE");
  EXPECT_EQ(code_of(join(R"({"foo":1.5})")), "M_BAD_JSON");
  EXPECT_EQ(site.membership(room, "desk.officer"), "leave");
}

json::Document levels_in(RoomsFixture& site, std::string_view room) {
  return site.state(room, "m.room.power_levels");
}
std::optional<std::int64_t> level_of(const json::Document& levels, std::string_view who) {
  return levels.root().get("content").get("users").get(RoomsFixture::id(who)).as_int();
}

// Creators of version 12 stand above all levels: where they must be named they are named above the
// others, so that nobody has overtaken them.
TEST(Upgrade, BackDownKeepsCreatorsAboveHighLevels) {
  RoomsFixture site;
  const std::string old =
      site.room_of("joint.secretary", {"desk.officer", "under.secretary"}, {.version = "12"});
  ASSERT_TRUE(site.put("joint.secretary", old, "m.room.power_levels",
                       R"({"users":{"@desk.officer:gims.internal":150,
                           "@under.secretary:gims.internal":20},
                           "events":{"org.x":120,"m.room.tombstone":150}})"));
  const auto by_creator = site.upgrade("joint.secretary", old, "11");
  ASSERT_TRUE(by_creator) << by_creator.error().text;
  auto levels = levels_in(site, *by_creator);
  EXPECT_EQ(level_of(levels, "joint.secretary"), 150);
  EXPECT_EQ(level_of(levels, "desk.officer"), 150);
  EXPECT_EQ(level_of(levels, "under.secretary"), 20);
  EXPECT_EQ(levels.root().get("content").get("events").get("org.x").as_int(), 120);
  EXPECT_EQ(levels.root().get("content").get("events").get("m.room.tombstone").as_int(), 100);

  // By one who is no creator.
  const std::string other = site.room_of("joint.secretary", {"desk.officer"}, {.version = "12"});
  ASSERT_TRUE(site.put("joint.secretary", other, "m.room.power_levels",
                       R"({"users":{"@desk.officer:gims.internal":150}})"));
  const auto by_member = site.upgrade("desk.officer", other, "10");
  ASSERT_TRUE(by_member) << by_member.error().text;
  levels = levels_in(site, *by_member);
  EXPECT_EQ(level_of(levels, "joint.secretary"), 150);
  EXPECT_EQ(level_of(levels, "desk.officer"), 150);
}

TEST(Upgrade, TakesLevelsAboveAHundredAlong) {
  RoomsFixture site;
  const std::string old = site.room_of(
      "joint.secretary", {"desk.officer"},
      {.version = "10", .power_levels = R"({"users":{"@joint.secretary:gims.internal":200,
                           "@desk.officer:gims.internal":150},"ban":160})"});
  const auto upgraded = site.upgrade("joint.secretary", old, "11");
  ASSERT_TRUE(upgraded) << upgraded.error().text;
  const auto levels = levels_in(site, *upgraded);
  EXPECT_EQ(level_of(levels, "joint.secretary"), 200);
  EXPECT_EQ(level_of(levels, "desk.officer"), 150);
  EXPECT_EQ(levels.root().get("content").get("ban").as_int(), 160);
}

}  // namespace
}  // namespace gims::service::rooms

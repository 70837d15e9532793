#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::bodies_of;
using test::joined;
using test::left;
using test::SyncFixture;
using test::types_of;
using Names = std::vector<std::string>;

TEST(SyncRooms, TheFirstReplyHasTheRoomAndItsState) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto reply =
      site.sync("desk.officer", "", {.filter = R"({"room":{"timeline":{"limit":2}}})"});
  const json::Value join = joined(reply, room);
  ASSERT_TRUE(join);
  EXPECT_EQ(types_of(join.get("timeline")),
            (Names{"m.room.member|" + SyncFixture::id("desk.officer"), "m.room.message"}));
  EXPECT_EQ(join.get("timeline").get("limited").as_bool(), true);
  // Own join is in the timeline; the state before it has the invitation.
  const Names state = types_of(join.get("state"));
  EXPECT_NE(std::ranges::find(state, "m.room.create"), state.end());
  EXPECT_NE(std::ranges::find(state, "m.room.member|" + SyncFixture::id("joint.secretary")),
            state.end());
  EXPECT_EQ(join.get("summary").get("m.joined_member_count").as_int(), 2);
  EXPECT_EQ(join.get("summary").get("m.heroes").at(0).as_string(),
            SyncFixture::id("joint.secretary"));
  EXPECT_EQ(reply.root().get("account_data").get("events").at(0).get("type").as_string(),
            "m.push_rules");
}

TEST(SyncRooms, GoesOnWhereTheLastReplyEnded) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  EXPECT_FALSE(site.sync("desk.officer", since).root().get("rooms"));
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"Papers"})"));
  const auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(types_of(joined(reply, room).get("timeline")),
            (Names{"m.room.message", "m.room.topic"}));
  EXPECT_EQ(joined(reply, room).get("timeline").get("limited").as_bool(), false);
  // Clients and conformance suites look into each, also where it is empty.
  for (const char* part : {"state", "ephemeral", "account_data"}) {
    const json::Value events = joined(reply, room).get(part).get("events");
    ASSERT_TRUE(events.is_array()) << part;
    EXPECT_EQ(events.size(), 0U) << part;
  }
  EXPECT_FALSE(joined(reply, room).get("state_after"));
  const json::Value message = joined(reply, room).get("timeline").get("events").at(0);
  EXPECT_EQ(message.get("unsigned").get("membership").as_string(), "join");
  EXPECT_FALSE(message.get("room_id"));
  EXPECT_FALSE(site.sync("desk.officer", SyncFixture::next_of(reply)).root().get("rooms"));
}

TEST(SyncRooms, AGapIsLimitedAndHasTheStateThatChangedInIt) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"old"})"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.name", R"({"name":"Cabinet"})"));
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"new"})"));
  ASSERT_TRUE(site.say("joint.secretary", room, "two"));
  const test::SyncOptionsUnderTest two{.filter = R"({"room":{"timeline":{"limit":2}}})"};
  const auto reply = site.sync("desk.officer", since, two);
  const json::Value join = joined(reply, room);
  EXPECT_EQ(types_of(join.get("timeline")), (Names{"m.room.topic", "m.room.message"}));
  EXPECT_EQ(join.get("timeline").get("limited").as_bool(), true);
  // At the timeline's start the topic is the old one.
  EXPECT_EQ(types_of(join.get("state")), (Names{"m.room.topic", "m.room.name"}));
  EXPECT_EQ(join.get("state").get("events").at(0).get("content").get("topic").as_string(), "old");
  // What prev_batch names ends just before the timeline.
  const auto place = parse_place(join.get("timeline").get("prev_batch").string_or(""));
  ASSERT_TRUE(place);

  auto after = two;
  after.use_state_after = true;
  const auto with_after = site.sync("desk.officer", since, after);
  const json::Value end = joined(with_after, room);
  EXPECT_FALSE(end.get("state"));
  EXPECT_EQ(types_of(end.get("state_after")), (Names{"m.room.name", "m.room.topic"}));
  EXPECT_EQ(end.get("state_after").get("events").at(1).get("content").get("topic").as_string(),
            "new");
}

TEST(SyncRooms, StateAfterIsThereEvenWhenItIsEmpty) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto reply = site.sync("desk.officer", since, {.use_state_after = true});
  ASSERT_TRUE(joined(reply, room).get("state_after").get("events").is_array());
  EXPECT_EQ(joined(reply, room).get("state_after").get("events").size(), 0U);
}

// By the name that clients of the proposal know (MSC4222), which they also ask by.
TEST(SyncRooms, StateAfterHasTheNameThatItWasAskedBy) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"one"})"));
  const test::SyncOptionsUnderTest unstable{.use_state_after = true, .unstable_state_after = true};
  const auto reply = site.sync("desk.officer", since, unstable);
  EXPECT_EQ(types_of(joined(reply, room).get("org.matrix.msc4222.state_after")),
            Names{"m.room.topic"});
  EXPECT_FALSE(joined(reply, room).get("state_after"));
  EXPECT_FALSE(joined(reply, room).get("state"));
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  const auto last = site.sync("desk.officer", since, unstable);
  EXPECT_EQ(types_of(left(last, room).get("org.matrix.msc4222.state_after")),
            (Names{"m.room.topic", "m.room.member|" + SyncFixture::id("desk.officer")}));
  EXPECT_FALSE(left(last, room).get("state"));
}

TEST(SyncRooms, FullStateHasAllOfItAndTheTimelineSinceTheToken) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  const auto reply = site.sync("desk.officer", since, {.full_state = true});
  EXPECT_EQ(bodies_of(joined(reply, room).get("timeline")), (Names{"one"}));
  const Names state = types_of(joined(reply, room).get("state"));
  EXPECT_NE(std::ranges::find(state, "m.room.create"), state.end());
  EXPECT_NE(std::ranges::find(state, "m.room.power_levels"), state.end());
}

// A room without its create event or its power levels is of no use to a client.
TEST(SyncRooms, AFiltersLimitDoesNotCutTheState) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"}, {.name = "Cabinet"});
  const std::string timeline = R"({"room":{"timeline":{"limit":1})";
  const auto uncut = site.sync("desk.officer", "", {.filter = timeline + "}}"});
  const Names whole = types_of(joined(uncut, room).get("state"));
  for (const char* limit : {"3", "0"}) {
    const auto reply =
        site.sync("desk.officer", "",
                  {.filter = timeline + R"(,"state":{"limit":)" + std::string(limit) + "}}}"});
    const Names state = types_of(joined(reply, room).get("state"));
    EXPECT_EQ(state, whole);
    EXPECT_NE(std::ranges::find(state, "m.room.create"), state.end());
  }
}

TEST(SyncRooms, ANewlyJoinedRoomComesWhole) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(site.say("joint.secretary", room, "before"));
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
  const auto invited = site.sync("desk.officer", since);
  const json::Value invite = invited.root().get("rooms").get("invite").get(room);
  const Names stripped = types_of(invite.get("invite_state"));
  EXPECT_EQ(stripped.front(), "m.room.create");
  EXPECT_EQ(stripped.back(), "m.room.member|" + SyncFixture::id("desk.officer"));
  EXPECT_FALSE(invite.get("invite_state").get("events").at(0).get("event_id"));

  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, room));
  const auto reply = site.sync("desk.officer", SyncFixture::next_of(invited));
  const json::Value join = joined(reply, room);
  // The default visibility of a private room is shared: what was said before is seen.
  const auto bodies = bodies_of(join.get("timeline"));
  EXPECT_NE(std::ranges::find(bodies, "before"), bodies.end());
  for (const json::Value event : join.get("timeline").get("events").array()) {
    const auto membership = event.get("unsigned").get("membership").string_or("");
    if (event.get("content").get("body").is_string()) {
      EXPECT_EQ(membership, "leave");
    }
    if (event.get("state_key").as_string() == SyncFixture::id("desk.officer") &&
        event.get("content").get("membership").as_string() == "join") {
      EXPECT_EQ(membership, "join");
      EXPECT_EQ(event.get("unsigned").get("prev_content").get("membership").as_string(), "invite");
    }
  }
  EXPECT_FALSE(reply.root().get("rooms").get("invite"));
}

TEST(SyncRooms, WhoIsBannedSeesTheBanAndNothingAfterIt) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "seen"));
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::ban, room, "desk.officer"));
  ASSERT_TRUE(site.say("joint.secretary", room, "hidden"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"hidden"})"));
  const auto reply = site.sync("desk.officer", since);
  const json::Value leave = left(reply, room);
  EXPECT_EQ(types_of(leave.get("timeline")),
            (Names{"m.room.message", "m.room.member|" + SyncFixture::id("desk.officer")}));
  EXPECT_EQ(bodies_of(leave.get("timeline")).front(), "seen");
  EXPECT_FALSE(joined(reply, room));
  const auto next = site.sync("desk.officer", SyncFixture::next_of(reply));
  EXPECT_FALSE(next.root().get("rooms"));
  // The first sync has the room only where the filter asks for rooms that were left.
  EXPECT_FALSE(left(site.sync("desk.officer"), room));
  const auto all = site.sync("desk.officer", "", {.filter = R"({"room":{"include_leave":true}})"});
  const auto bodies = bodies_of(left(all, room).get("timeline"));
  EXPECT_NE(std::ranges::find(bodies, "seen"), bodies.end());
  EXPECT_EQ(std::ranges::find(bodies, "hidden"), bodies.end());
  const Names state = types_of(left(all, room).get("state"));
  EXPECT_EQ(std::ranges::find(state, "m.room.topic"), state.end());
}

TEST(SyncRooms, AForgottenRoomIsGone) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  const test::SyncOptionsUnderTest all{.filter = R"({"room":{"include_leave":true}})"};
  EXPECT_TRUE(left(site.sync("desk.officer", "", all), room));
  ASSERT_TRUE(site.forget("desk.officer", room));
  EXPECT_FALSE(left(site.sync("desk.officer", "", all), room));
}

TEST(SyncRooms, ARefusedInvitationIsLeftWithoutTheRoomsState) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  const auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(types_of(left(reply, room).get("timeline")),
            (Names{"m.room.member|" + SyncFixture::id("desk.officer")}));
  EXPECT_EQ(left(reply, room).get("state").get("events").size(), 0U);
}

TEST(SyncRooms, OnlyTheDeviceThatSentSeesItsTransactionId) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string own = site.now("joint.secretary");
  ASSERT_TRUE(site.send("joint.secretary", room, R"({"body":"one"})", "m.room.message", "txn7"));
  const auto event = [&](const json::Document& reply) {
    return joined(reply, room).get("timeline").get("events").at(0).get("unsigned");
  };
  EXPECT_EQ(event(site.sync("joint.secretary", own)).get("transaction_id").as_string(), "txn7");
  EXPECT_FALSE(
      event(site.sync("joint.secretary", own, {.device = "LAPTOP"})).get("transaction_id"));
  EXPECT_FALSE(event(site.sync("desk.officer", own)).get("transaction_id"));
}

TEST(SyncRooms, ARedactedEventLosesItsContentInMemoryToo) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  const auto event = site.say("joint.secretary", room, "secret");
  ASSERT_TRUE(event);
  EXPECT_NE(site.sync_text("desk.officer", since).find("secret\""), std::string::npos);
  ASSERT_TRUE(site.redact("joint.secretary", room, *event));
  const std::string text = site.sync_text("desk.officer", since);
  EXPECT_EQ(text.find("\"secret\""), std::string::npos);
  EXPECT_NE(text.find("redacted_because"), std::string::npos);
}

TEST(SyncRooms, IgnoredUsersAreNotHeardButChangeTheState) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  ASSERT_TRUE(site.set_account_data("desk.officer", "m.ignored_user_list",
                                    R"({"ignored_users":{"@joint.secretary:gims.internal":{}}})"));
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "unheard"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"new"})"));
  ASSERT_TRUE(site.say("under.secretary", room, "heard"));
  const std::string second = site.room_of("joint.secretary");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, second, "desk.officer"));
  const auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(bodies_of(joined(reply, room).get("timeline")), (Names{"", "heard"}));
  EXPECT_FALSE(reply.root().get("rooms").get("invite"));
}

}  // namespace
}  // namespace gims::service::sync

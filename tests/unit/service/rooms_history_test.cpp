#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "service/tokens.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::parsed;
using test::RoomsFixture;

std::vector<std::string> bodies(json::Value chunk) {
  std::vector<std::string> texts;
  for (const json::Value event : chunk.array()) {
    if (const auto body = event.get("content").get("body").as_string()) texts.emplace_back(*body);
  }
  return texts;
}

sync::RoomEventFilter filter_of(std::string_view json) {
  const auto document = json::Document::parse(json);
  return *sync::RoomEventFilter::parse(document->root());
}

MessagesQuery query_from(json::Value token, Direction direction, std::int64_t limit) {
  return {.from = *parse_place(*token.as_string()), .direction = direction, .limit = limit};
}

using Texts = std::vector<std::string>;

TEST(Messages, PagesBackAndForthWithoutGapOrRepetition) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  Texts said;
  for (int i = 0; i < 25; ++i) {
    said.push_back("m" + std::to_string(i));
    ASSERT_TRUE(site.say("joint.secretary", room, said.back()));
  }
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const std::size_t total = site.timeline(room).size();
  for (const Direction direction : {Direction::backward, Direction::forward}) {
    Texts seen;
    std::set<std::string> ids;
    MessagesQuery query{.direction = direction, .limit = 7};
    for (int page = 0; page < 20; ++page) {
      const auto answer = parsed(site.reads.messages(viewer, room, query));
      const json::Value chunk = answer.root().get("chunk");
      ASSERT_LE(chunk.size(), 7U);
      for (const json::Value event : chunk.array()) {
        EXPECT_TRUE(ids.insert(std::string(*event.get("event_id").as_string())).second);
      }
      for (std::string& text : bodies(chunk)) seen.push_back(std::move(text));
      const json::Value end = answer.root().get("end");
      if (!end) break;
      query = query_from(end, direction, 7);
    }
    EXPECT_EQ(ids.size(), total);
    if (direction == Direction::backward) std::ranges::reverse(seen);
    EXPECT_EQ(seen, said);
  }
}

TEST(Messages, StopAtTheTokenOfTo) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(site.say("joint.secretary", room, "old"));
  const store::StreamId middle = site.store->position();
  ASSERT_TRUE(site.say("joint.secretary", room, "new"));
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto back = parsed(site.reads.messages(viewer, room, {.to = middle, .limit = 100}));
  EXPECT_EQ(bodies(back.root().get("chunk")), Texts{"new"});
  const auto on = parsed(site.reads.messages(
      viewer, room, {.to = middle, .direction = Direction::forward, .limit = 100}));
  EXPECT_EQ(bodies(on.root().get("chunk")), Texts{"old"});
}

TEST(Messages, AreFiltered) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  ASSERT_TRUE(site.say("desk.officer", room, "two"));
  ASSERT_TRUE(site.send("desk.officer", room, R"({"body":"three","url":"mxc://gims.internal/x"})"));
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto with = [&](std::string_view filter) {
    const auto answer = parsed(site.reads.messages(
        viewer, room,
        {.direction = Direction::forward, .limit = 100, .filter = filter_of(filter)}));
    return bodies(answer.root().get("chunk"));
  };
  EXPECT_EQ(with(R"({"types":["m.room.message"]})"), (Texts{"one", "two", "three"}));
  EXPECT_EQ(with(R"({"senders":["@desk.officer:gims.internal"]})"), (Texts{"two", "three"}));
  EXPECT_EQ(with(R"({"contains_url":true})"), Texts{"three"});
  EXPECT_EQ(with(R"({"not_types":["m.room.*"]})"), Texts{});
  EXPECT_EQ(with(R"({"types":[]})"), Texts{});
}

TEST(Messages, BringTheMembersOfTheirSendersWhereThatIsAskedFor) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  ASSERT_TRUE(site.say("desk.officer", room, "here"));
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto answer = parsed(site.reads.messages(
      viewer, room, {.limit = 1, .filter = filter_of(R"({"lazy_load_members":true})")}));
  const json::Value state = answer.root().get("state");
  ASSERT_EQ(state.size(), 1U);
  EXPECT_EQ(state.at(0).get("state_key").as_string(), "@desk.officer:gims.internal");
}

TEST(Messages, ShowWhatTheVisibilityAllows) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.history_visibility",
                       R"({"history_visibility":"joined"})"));
  ASSERT_TRUE(site.say("joint.secretary", room, "before"));
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "desk.officer"));
  ASSERT_TRUE(site.act("desk.officer", Act::join, room));
  ASSERT_TRUE(site.say("joint.secretary", room, "during"));
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  const auto after = site.say("joint.secretary", room, "after");
  const auto viewer = RoomsFixture::actor("desk.officer");
  const auto answer = parsed(site.reads.messages(viewer, room, {.limit = 100}));
  EXPECT_EQ(bodies(answer.root().get("chunk")), Texts{"during"});
  EXPECT_EQ(code_of(site.reads.event(viewer, room, *after)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(site.reads.context(viewer, room, {.event_id = *after})), "M_NOT_FOUND");
  EXPECT_EQ(code_of(site.reads.messages(RoomsFixture::actor("stranger"), room, {})), "M_FORBIDDEN");
}

TEST(Messages, AStrangerCannotTellARoomFromNone) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto event = site.say("joint.secretary", room, "x");
  const auto viewer = RoomsFixture::actor("stranger");
  const std::string none = "!nothing:gims.internal";
  const auto same = [](const Result<std::string>& a, const Result<std::string>& b) {
    ASSERT_FALSE(a);
    ASSERT_FALSE(b);
    EXPECT_EQ(a.error().code, b.error().code);
    EXPECT_EQ(a.error().text, b.error().text);
  };
  same(site.reads.messages(viewer, room, {}), site.reads.messages(viewer, none, {}));
  same(site.reads.state(viewer, room), site.reads.state(viewer, none));
  same(site.reads.state_event(viewer, room, "m.room.create", "", false),
       site.reads.state_event(viewer, none, "m.room.create", "", false));
  same(site.reads.members(viewer, room, {}), site.reads.members(viewer, none, {}));
  same(site.reads.joined_members(viewer, room), site.reads.joined_members(viewer, none));
  same(site.reads.event(viewer, room, *event), site.reads.event(viewer, none, *event));
  same(site.reads.relations(viewer, room, {.event_id = *event}),
       site.reads.relations(viewer, none, {.event_id = *event}));
  same(site.reads.aliases(viewer, room), site.reads.aliases(viewer, none));
  same(site.directory.summary(viewer.user_id, room), site.directory.summary(viewer.user_id, none));
  same(site.directory.hierarchy(viewer.user_id, room, {}),
       site.directory.hierarchy(viewer.user_id, none, {}));
  same(site.directory.visibility(viewer.user_id, room),
       site.directory.visibility(viewer.user_id, none));
}

TEST(Event, ShowsItsTransactionToTheSendingDeviceOnly) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto sent = site.send("joint.secretary", room, "{}", "m.room.message", "txn1");
  const auto seen_by = [&](const Actor& viewer) {
    const auto event = parsed(site.reads.event(viewer, room, *sent));
    return std::string(event.root().get("unsigned").get("transaction_id").string_or(""));
  };
  EXPECT_EQ(seen_by(RoomsFixture::actor("joint.secretary")), "txn1");
  EXPECT_EQ(seen_by(RoomsFixture::actor("joint.secretary", "LAPTOP")), "");
  EXPECT_EQ(seen_by(RoomsFixture::actor("desk.officer")), "");
}

TEST(Event, ShowsWhatWasBeforeAndWhyItIsGone) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  const auto viewer = RoomsFixture::actor("joint.secretary");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.name", R"({"name":"One"})"));
  const auto renamed = site.put("joint.secretary", room, "m.room.name", R"({"name":"Two"})");
  const auto name = parsed(site.reads.event(viewer, room, *renamed));
  EXPECT_EQ(name.root().get("unsigned").get("prev_content").get("name").as_string(), "One");
  EXPECT_EQ(name.root().get("room_id").as_string(), room);
  const auto redaction = site.redact("joint.secretary", room, *renamed);
  const auto gone = parsed(site.reads.event(viewer, room, *renamed));
  EXPECT_EQ(gone.root().get("content").size(), 0U);
  EXPECT_EQ(gone.root().get("unsigned").get("redacted_because").get("event_id").as_string(),
            *redaction);
}

TEST(Context, SurroundsTheEvent) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  std::vector<std::string> ids;
  for (int i = 0; i < 9; ++i) {
    ids.push_back(*site.say("joint.secretary", room, "m" + std::to_string(i)));
  }
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto answer = parsed(site.reads.context(viewer, room, {.event_id = ids[4], .limit = 4}));
  EXPECT_EQ(answer.root().get("event").get("event_id").as_string(), ids[4]);
  EXPECT_EQ(bodies(answer.root().get("events_before")), (Texts{"m3", "m2"}));
  EXPECT_EQ(bodies(answer.root().get("events_after")), (Texts{"m5", "m6"}));
  EXPECT_GT(answer.root().get("state").size(), 5U);
  const auto older = parsed(site.reads.messages(
      viewer, room, query_from(answer.root().get("start"), Direction::backward, 1)));
  EXPECT_EQ(bodies(older.root().get("chunk")), Texts{"m1"});
  const auto newer = parsed(site.reads.messages(
      viewer, room, query_from(answer.root().get("end"), Direction::forward, 1)));
  EXPECT_EQ(bodies(newer.root().get("chunk")), Texts{"m7"});
}

TEST(EventNear, FindsTheNearestInEitherDirection) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(*site.say("joint.secretary", room, "m" + std::to_string(i)));
    // Times of the test's own: 1000, 2000, 3000.
    ASSERT_TRUE(site.store.write([&](store::Transaction& t) -> Result<> {
      return t.sql().script("UPDATE events SET origin_ts = " + std::to_string((i + 1) * 1000) +
                            " WHERE event_id = '" + ids.back() + "'");
    }));
  }
  ASSERT_TRUE(site.store.write([&](store::Transaction& t) -> Result<> {
    return t.sql().script("UPDATE events SET origin_ts = 500 WHERE type <> 'm.room.message'");
  }));
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto near = [&](Millis ts, Direction direction) {
    const auto found = site.reads.event_near(viewer, room, ts, direction);
    if (!found) return found.error().code;
    return std::string(*parsed(found).root().get("event_id").as_string());
  };
  EXPECT_EQ(near(1500, Direction::forward), ids[1]);
  EXPECT_EQ(near(2000, Direction::forward), ids[1]);
  EXPECT_EQ(near(2000, Direction::backward), ids[1]);
  EXPECT_EQ(near(2999, Direction::backward), ids[1]);
  EXPECT_EQ(near(9000, Direction::backward), ids[2]);
  EXPECT_EQ(near(3001, Direction::forward), "M_NOT_FOUND");
  EXPECT_EQ(near(499, Direction::backward), "M_NOT_FOUND");
}

TEST(StateReads, WhoLeftSeesTheStateOfThatMoment) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.name", R"({"name":"Then"})"));
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.name", R"({"name":"Now"})"));
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "under.secretary"));
  const auto name_for = [&](std::string_view who) {
    return *site.reads.state_event(RoomsFixture::actor(who), room, "m.room.name", "", false);
  };
  EXPECT_EQ(name_for("desk.officer"), R"({"name":"Then"})");
  EXPECT_EQ(name_for("joint.secretary"), R"({"name":"Now"})");
  const auto viewer = RoomsFixture::actor("desk.officer");
  EXPECT_EQ(parsed(site.reads.members(viewer, room, {})).root().get("chunk").size(), 2U);
  const auto state = parsed(site.reads.state(viewer, room));
  for (const json::Value event : state.root().array()) {
    EXPECT_NE(event.get("content").get("name").as_string(), "Now");
  }
  EXPECT_EQ(code_of(site.reads.joined_members(viewer, room)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(site.reads.state_event(viewer, room, "m.room.name", "x", false)),
            "M_NOT_FOUND");
}

TEST(StateReads, MembersAreFilteredByEither) {
  RoomsFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const store::StreamId before = site.store->position();
  ASSERT_TRUE(site.act("joint.secretary", Act::invite, room, "under.secretary"));
  ASSERT_TRUE(site.act("desk.officer", Act::leave, room));
  const auto viewer = RoomsFixture::actor("joint.secretary");
  const auto count = [&](const MembersQuery& query) {
    return parsed(site.reads.members(viewer, room, query)).root().get("chunk").size();
  };
  EXPECT_EQ(count({}), 3U);
  EXPECT_EQ(count({.membership = "join"}), 1U);
  EXPECT_EQ(count({.not_membership = "leave"}), 2U);
  // Spec: GET /members: the two make an 'or'.
  EXPECT_EQ(count({.membership = "leave", .not_membership = "invite"}), 2U);
  EXPECT_EQ(count({.at = before, .membership = "join"}), 2U);
  const auto joined = parsed(site.reads.joined_members(viewer, room));
  EXPECT_EQ(joined.root().get("joined").size(), 1U);
}

}  // namespace
}  // namespace gims::service::rooms

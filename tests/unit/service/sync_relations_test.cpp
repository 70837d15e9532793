#include <gtest/gtest.h>

#include <string>

#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::joined;
using test::left;
using test::SyncFixture;

class SyncRelations : public ::testing::Test {
 protected:
  std::string relate(std::string_view who, const std::string& target, std::string_view kind,
                     std::string_view text = "more") {
    const auto sent = site.send(who, room,
                                R"({"msgtype":"m.text","body":")" + std::string(text) +
                                    R"(","m.relates_to":{"rel_type":")" + std::string(kind) +
                                    R"(","event_id":")" + target + R"("}})");
    EXPECT_TRUE(sent);
    return sent.value_or("");
  }
  static test::SyncOptionsUnderTest newest(int limit) {
    return {.filter = R"({"room":{"include_leave":true,"timeline":{"limit":)" +
                      std::to_string(limit) + "}}}"};
  }
  // unsigned.m.relations of the event.
  static json::Value relations_of(json::Value section, std::string_view event_id) {
    for (const json::Value event : section.get("timeline").get("events").array()) {
      if (event.get("event_id").as_string() == event_id) {
        return event.get("unsigned").get("m.relations");
      }
    }
    ADD_FAILURE() << "the event is not there";
    return {};
  }

  SyncFixture site;
  std::string room = site.room_of("joint.secretary", {"desk.officer"});
  std::string root = *site.say("joint.secretary", room, "root");
};

// Spec: client-server API, "Aggregations of child events": in /sync where the timeline is limited.
TEST_F(SyncRelations, AreBundledWhereTheTimelineIsLimited) {
  relate("desk.officer", root, "m.thread");
  const std::string last = relate("joint.secretary", root, "m.thread");
  const std::string edit = relate("joint.secretary", root, "m.replace", "* root");
  const std::string reference = relate("desk.officer", root, "m.reference");
  const auto reply = site.sync("desk.officer", "", newest(5));
  const json::Value section = joined(reply, room);
  ASSERT_EQ(section.get("timeline").get("limited").as_bool(), true);
  const json::Value relations = relations_of(section, root);
  EXPECT_EQ(relations.get("m.thread").get("count").as_int(), 2);
  EXPECT_EQ(relations.get("m.thread").get("latest_event").get("event_id").as_string(), last);
  EXPECT_EQ(relations.get("m.thread").get("current_user_participated").as_bool(), true);
  EXPECT_EQ(relations.get("m.replace").get("event_id").as_string(), edit);
  EXPECT_EQ(relations.get("m.reference").get("chunk").at(0).get("event_id").as_string(), reference);
  EXPECT_FALSE(relations_of(section, last)) << "nothing relates to it";
  // Beside what is in `unsigned` anyway.
  EXPECT_EQ(
      section.get("timeline").get("events").at(0).get("unsigned").get("membership").as_string(),
      "join");
}

TEST_F(SyncRelations, AreNotWhereTheClientHasEveryEventThatRelates) {
  const std::string since = site.now("desk.officer");
  const std::string message = *site.say("joint.secretary", room, "one");
  relate("desk.officer", message, "m.thread");
  const auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(joined(reply, room).get("timeline").get("limited").as_bool(), false);
  EXPECT_FALSE(relations_of(joined(reply, room), message));
}

// Also where the filter keeps from the timeline what relates.
TEST_F(SyncRelations, AreBundledWhateverTheFilterDrops) {
  ASSERT_TRUE(
      site.send("desk.officer", room,
                R"({"m.relates_to":{"rel_type":"m.reference","event_id":")" + root + R"("}})",
                "m.poll.response"));
  const auto reply =
      site.sync("desk.officer", "",
                {.filter = R"({"room":{"timeline":{"limit":1,"types":["m.room.message"]}}})"});
  ASSERT_EQ(joined(reply, room).get("timeline").get("limited").as_bool(), false)
      << "there is no other message";
  ASSERT_TRUE(site.say("joint.secretary", room, "two"));
  const std::string since = site.now("desk.officer");
  const std::string earlier = *site.say("joint.secretary", room, "three");
  const std::string later = *site.say("joint.secretary", room, "four");
  ASSERT_TRUE(
      site.send("desk.officer", room,
                R"({"m.relates_to":{"rel_type":"m.reference","event_id":")" + later + R"("}})",
                "m.poll.response"));
  const auto cut =
      site.sync("desk.officer", since,
                {.filter = R"({"room":{"timeline":{"limit":1,"types":["m.room.message"]}}})"});
  ASSERT_EQ(joined(cut, room).get("timeline").get("limited").as_bool(), true);
  EXPECT_EQ(relations_of(joined(cut, room), later).get("m.reference").get("chunk").size(), 1U);
}

TEST_F(SyncRelations, ShowNothingThatTheReaderMayNotSee) {
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.history_visibility",
                       R"({"history_visibility":"joined"})"));
  const std::string since = site.now("desk.officer");
  const std::string message = *site.say("joint.secretary", room, "one");
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  relate("joint.secretary", message, "m.replace", "* hidden");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(site.say("joint.secretary", room, "more"));
  const auto reply = site.sync("desk.officer", "", newest(3));
  EXPECT_FALSE(relations_of(left(reply, room), message));
}

// A limited timeline that nothing relates within costs no statement more.
TEST_F(SyncRelations, AreReadOnlyWhereThereAreSome) {
  std::string since = site.now("desk.officer");
  const auto statements_for = [&](bool related) {
    std::string last;
    for (int i = 0; i < 4; ++i) last = *site.say("joint.secretary", room, "one");
    relate("desk.officer", related ? last : root, "m.thread");
    const std::uint64_t before = site.cold_feed().statements();
    const auto reply = site.sync("desk.officer", since, newest(3));
    EXPECT_EQ(joined(reply, room).get("timeline").get("limited").as_bool(), true);
    since = SyncFixture::next_of(reply);
    return site.cold_feed().statements() - before;
  };
  statements_for(false);  // fills what is remembered
  const std::uint64_t without = statements_for(false);
  EXPECT_EQ(statements_for(false), without);
  EXPECT_GT(statements_for(true), without);
}

}  // namespace
}  // namespace gims::service::sync

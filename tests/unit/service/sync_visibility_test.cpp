#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::bodies_of;
using test::code_of;
using test::joined;
using test::SyncFixture;
using Names = std::vector<std::string>;

bool has(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// unsigned.membership of the message with this text.
std::string membership_of(json::Value timeline, std::string_view body) {
  for (const json::Value event : timeline.get("events").array()) {
    if (event.get("content").get("body").as_string() == body) {
      return std::string(event.get("unsigned").get("membership").string_or(""));
    }
  }
  return "not there";
}

class SyncVisibility : public ::testing::Test {
 protected:
  void hide_history() {
    ASSERT_TRUE(site.put("joint.secretary", room, "m.room.history_visibility",
                         R"({"history_visibility":"joined"})"));
  }
  void leave() { ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room)); }
  void come_back() {
    ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
    ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, room));
  }
  std::string say(std::string_view text) { return *site.say("joint.secretary", room, text); }
  json::Document event(std::string_view event_id) {
    auto text = site.reads.event(SyncFixture::actor("desk.officer"), room, event_id);
    return text ? *json::Document::parse(*text) : json::Document();
  }

  // unsigned.membership of the messages "before", "meanwhile" and "after".
  void expect_memberships(const std::string& since, const Names& expected) {
    const auto reply = site.sync("desk.officer", since);
    const json::Value timeline = joined(reply, room).get("timeline");
    EXPECT_EQ((Names{membership_of(timeline, "before"), membership_of(timeline, "meanwhile"),
                     membership_of(timeline, "after")}),
              expected);
  }

  SyncFixture site;
  std::string room = site.room_of("joint.secretary", {"desk.officer"});
};

TEST_F(SyncVisibility, WhoLeftAndCameBackIsNotToldWhatWasSaidMeanwhile) {
  hide_history();
  const std::string since = site.now("desk.officer");
  say("before");
  leave();
  const std::string hidden = say("meanwhile");
  come_back();
  say("after");
  const auto reply = site.sync("desk.officer", since);
  const json::Value timeline = joined(reply, room).get("timeline");
  const Names bodies = bodies_of(timeline);
  EXPECT_TRUE(has(bodies, "before"));
  EXPECT_FALSE(has(bodies, "meanwhile"));
  EXPECT_TRUE(has(bodies, "after"));
  EXPECT_FALSE(event(hidden).root().is_object()) << "GET /event says the same";
  expect_memberships(since, {"join", "not there", "join"});
}

TEST_F(SyncVisibility, MembershipIsWhatItWasAtEachEvent) {
  const std::string since = site.now("desk.officer");
  say("before");
  leave();
  say("meanwhile");
  come_back();
  say("after");
  expect_memberships(since, {"join", "leave", "join"});
}

// A client without state_after takes each state event of the timeline for the newest of its kind.
TEST_F(SyncVisibility, WhatChangedMeanwhileIsNotUndoneByTheTimeline) {
  hide_history();
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"before"})"));
  leave();
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"now"})"));
  come_back();
  say("after");
  for (const std::string& from : {std::string(), since}) {
    const auto reply = site.sync("desk.officer", from);
    std::string topic;
    for (const char* part : {"state", "timeline"}) {
      for (const json::Value event : joined(reply, room).get(part).get("events").array()) {
        if (event.get("type").as_string() != "m.room.topic") continue;
        topic = event.get("content").get("topic").string_or("");
      }
    }
    EXPECT_EQ(topic, "now");
    // What came before can be asked for.
    const json::Value timeline = joined(reply, room).get("timeline");
    EXPECT_EQ(timeline.get("limited").as_bool(), true);
    const auto page =
        site.reads.messages(SyncFixture::actor("desk.officer"), room,
                            {.from = *parse_place(timeline.get("prev_batch").string_or(""))});
    ASSERT_TRUE(page);
    EXPECT_NE(page->find(R"("topic":"before")"), std::string::npos);
    EXPECT_EQ(page->find(R"("topic":"now")"), std::string::npos);
  }
}

// A new name is a member event as well, and closes nothing.
TEST_F(SyncVisibility, ANewNameHidesNothing) {
  hide_history();
  const std::string since = site.now("desk.officer");
  say("before");
  ASSERT_TRUE(site.put("desk.officer", room, "m.room.member",
                       R"({"membership":"join","displayname":"D O"})",
                       SyncFixture::id("desk.officer")));
  say("after");
  expect_memberships(since, {"join", "not there", "join"});
}

TEST_F(SyncVisibility, WhatStateTookThePlaceOfIsToldToWhoMaySeeIt) {
  hide_history();
  const std::string since = site.now("under.secretary");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"secret"})"));
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"open"})"));
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "under.secretary"));
  ASSERT_TRUE(site.act("under.secretary", SyncFixture::Act::join, room));
  for (const std::string& from : {std::string(), since}) {
    const std::string text = site.sync_text("under.secretary", from);
    EXPECT_NE(text.find(R"("open")"), std::string::npos);
    EXPECT_EQ(text.find(R"("secret")"), std::string::npos);
    // Their own invitation, which they saw.
    EXPECT_NE(text.find(R"("prev_content":{"membership":"invite"})"), std::string::npos);
  }
  EXPECT_NE(site.sync_text("desk.officer", since).find(R"("prev_content":{"topic":"secret"})"),
            std::string::npos);
}

// What memory holds of an event quotes the one whose place it took.
TEST_F(SyncVisibility, RedactedStateIsGoneFromWhatTookItsPlace) {
  const auto secret = site.put("joint.secretary", room, "m.room.topic", R"({"topic":"secret"})");
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"open"})"));
  ASSERT_NE(site.sync_text("desk.officer", since).find(R"("prev_content":{"topic":"secret"})"),
            std::string::npos);
  ASSERT_TRUE(site.redact("joint.secretary", room, *secret));
  const std::string text = site.sync_text("desk.officer", since);
  EXPECT_NE(text.find(R"("open")"), std::string::npos);
  EXPECT_EQ(text.find(R"("secret")"), std::string::npos);
}

// A reply that began before the redaction may quote, and keeps nothing for the replies after it.
TEST_F(SyncVisibility, WhatAnOldSnapshotQuotesIsNotKept) {
  const auto secret = site.put("joint.secretary", room, "m.room.topic", R"({"topic":"secret"})");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"open"})"));
  const store::StreamId last = site.store->position();
  Reads old(*site.store);
  const auto item =
      old.event_at(*matrix::find_room_version(site.policy.default_room_version), last);
  ASSERT_TRUE(item);
  ASSERT_TRUE(site.redact("joint.secretary", room, *secret));
  (*item)->redacted(*secret, site.store->position());
  EXPECT_NE((*item)->bytes(old)->replaced.find("secret"), std::string::npos);
  Reads fresh(*site.store);
  EXPECT_EQ((*item)->bytes(fresh)->replaced.find("secret"), std::string::npos);
}

TEST_F(SyncVisibility, ARedactedNameIsGoneFromTheMemberThatIsRemembered) {
  const std::string who = SyncFixture::id("joint.secretary");
  const auto secret = site.put("joint.secretary", room, "m.room.member",
                               R"({"membership":"join","displayname":"secret"})", who);
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.member",
                       R"({"membership":"join","displayname":"open"})", who));
  const std::string since = site.now("desk.officer");
  say("one");
  const test::SyncOptionsUnderTest lazy{.filter =
                                            R"({"room":{"state":{"lazy_load_members":true}}})"};
  ASSERT_NE(site.sync_text("desk.officer", since, lazy).find(R"("displayname":"secret")"),
            std::string::npos);
  ASSERT_TRUE(site.redact("joint.secretary", room, *secret));
  const std::string text = site.sync_text("desk.officer", since, lazy);
  EXPECT_NE(text.find(R"("displayname":"open")"), std::string::npos);
  EXPECT_EQ(text.find("secret\""), std::string::npos);
}

// The reason of a redaction is content of the redaction, which can be redacted as well.
TEST_F(SyncVisibility, ARedactedReasonIsGoneFromWhatItWasGivenFor) {
  const std::string who = SyncFixture::id("joint.secretary");
  const auto name = site.put("joint.secretary", room, "m.room.member",
                             R"({"membership":"join","displayname":"open"})", who);
  const std::string since = site.now("desk.officer");
  const auto redaction = SyncFixture::wait<std::string>([&](auto done) {
    site.rooms.redact(SyncFixture::actor("joint.secretary"), room, *name, R"({"reason":"secret"})",
                      "", std::move(done));
  });
  ASSERT_TRUE(redaction);
  say("one");
  const test::SyncOptionsUnderTest lazy{
      .filter = R"({"room":{"state":{"lazy_load_members":true},"timeline":{"limit":1}}})"};
  ASSERT_NE(site.sync_text("desk.officer", since, lazy).find(R"("reason":"secret")"),
            std::string::npos);
  ASSERT_TRUE(site.redact("joint.secretary", room, *redaction));
  say("two");
  EXPECT_EQ(site.sync_text("desk.officer", since, lazy).find(R"("secret")"), std::string::npos);
}

}  // namespace
}  // namespace gims::service::sync

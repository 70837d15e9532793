#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/fault_vfs.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::bodies_of;
using test::joined;
using test::SyncFixture;

// One reader that syncs whenever it likes, while others write: every message once, in order.
class SyncStream : public ::testing::TestWithParam<bool> {};

// What lies between a token and a timeline that does not reach back to it, by /messages.
std::vector<std::string> gap(SyncFixture& site, const std::string& room, std::string_view since,
                             json::Value timeline) {
  const auto page =
      site.reads.messages(SyncFixture::actor("desk.officer"), room,
                          {.from = *parse_place(timeline.get("prev_batch").string_or("")),
                           .to = *parse_place(since),
                           .direction = rooms::Direction::backward,
                           .limit = 1000});
  EXPECT_TRUE(page);
  std::vector<std::string> bodies;
  const auto document = json::Document::parse(*page);
  for (const json::Value event : document->root().get("chunk").array()) {
    bodies.emplace_back(event.get("content").get("body").string_or(""));
  }
  std::ranges::reverse(bodies);
  return bodies;
}

TEST_P(SyncStream, BringsEveryMessageOnceAndInOrder) {
  SyncFixture site;
  const std::string first = site.room_of("joint.secretary", {"desk.officer"});
  const std::string second = site.room_of("under.secretary", {"desk.officer"});
  constexpr int each = 150;
  std::string since = site.now("desk.officer");
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (int i = 0; i < each; ++i) {
      EXPECT_TRUE(site.say("joint.secretary", first, std::to_string(i)));
      EXPECT_TRUE(site.say("under.secretary", second, std::to_string(i)));
    }
    written = true;
  });
  const auto filter = SyncFixture::filter_of(R"({"room":{"timeline":{"limit":100}}})");
  std::mt19937 random(7);
  std::vector<std::string> seen_first;
  std::vector<std::string> seen_second;
  bool last = false;
  for (;;) {
    auto request = site.request("desk.officer", since);
    request.filter = filter;
    auto assembled = assemble(*site.store, GetParam() ? site.feed() : site.cold_feed(), request);
    ASSERT_TRUE(assembled);
    const auto reply = json::Document::parse(text_of(assembled->body));
    ASSERT_TRUE(reply);
    for (const auto& [room, seen] :
         {std::pair(&first, &seen_first), std::pair(&second, &seen_second)}) {
      const json::Value timeline = joined(*reply, *room).get("timeline");
      if (timeline.get("limited").bool_or(false)) {
        for (std::string& body : gap(site, *room, since, timeline))
          seen->push_back(std::move(body));
      }
      for (const std::string& body : bodies_of(timeline)) seen->push_back(body);
    }
    since = SyncFixture::next_of(*reply);
    if (last) break;
    last = written;
    for (int spin = std::uniform_int_distribution(0, 3)(random); spin > 0; --spin) {
      std::this_thread::yield();
    }
  }
  writer.join();
  std::vector<std::string> expected;
  for (int i = 0; i < each; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(seen_first, expected);
  EXPECT_EQ(seen_second, expected);
}

INSTANTIATE_TEST_SUITE_P(Feeds, SyncStream, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "Memory" : "Tables"; });

TEST(SyncStreamTokens, MemoryAndTablesAgreeFromEveryToken) {
  SyncFixture site;
  std::vector<std::string> tokens = {""};
  const auto mark = [&] { tokens.push_back(site.now("desk.officer")); };
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  mark();
  std::string last;
  for (int i = 0; i < 12; ++i) {
    const auto event = site.say(i % 3 == 0 ? "desk.officer" : "joint.secretary", room,
                                "message " + std::to_string(i));
    ASSERT_TRUE(event);
    last = *event;
    mark();
  }
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"one"})"));
  ASSERT_TRUE(site.read_up_to("desk.officer", room, last));
  mark();
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "under.secretary"));
  ASSERT_TRUE(site.act("under.secretary", SyncFixture::Act::join, room));
  mark();
  ASSERT_TRUE(site.change_devices("joint.secretary"));
  ASSERT_TRUE(site.set_account_data("desk.officer", "m.tag", R"({"tags":{}})", room));
  ASSERT_TRUE(site.read_up_to("under.secretary", room, last, "m.read.private"));
  mark();
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  mark();
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, room));
  mark();
  ASSERT_TRUE(site.redact("joint.secretary", room, last));
  mark();
  for (const std::string& token : tokens) {
    for (const bool after : {false, true}) {
      for (
          const char* filter :
          {"{}", R"({"room":{"timeline":{"limit":3}}})",
           R"({"room":{"state":{"lazy_load_members":true},"timeline":{"limit":5}}})",
           R"({"room":{"timeline":{"types":["m.room.message"],"unread_thread_notifications":true}}})",
           R"({"room":{"include_leave":true,"state":{"types":["m.room.t*"]}}})"}) {
        SCOPED_TRACE(token + " " + filter);
        // sync_text() compares the two.
        site.sync_text("desk.officer", token, {.filter = filter, .use_state_after = after});
        site.sync_text("desk.officer", token,
                       {.filter = filter, .full_state = true, .use_state_after = after});
        site.sync_text("joint.secretary", token, {.filter = filter, .use_state_after = after});
      }
    }
  }
}

TEST(SyncStreamTokens, GoOnAfterARestart) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  ASSERT_TRUE(site.say("joint.secretary", room, "two"));
  // A feed that begins after them, as after a restart.
  Feed fresh;
  fresh.start(site.store->position());
  auto request = site.request("desk.officer", since);
  auto assembled = assemble(*site.store, fresh, request);
  ASSERT_TRUE(assembled);
  EXPECT_EQ(text_of(assembled->body), site.sync_text("desk.officer", since));
}

TEST(SyncFeed, SaysThatAUserWhoIsReadInHadToMakeRoomForAnother) {
  test::FaultVfs vfs;
  Feed feed({.users = 1});
  test::StoreUnderTest store({&feed}, {.database = {}, .vfs = vfs.name()});
  feed.start(store->position());
  const std::string one = SyncFixture::id("desk.officer");
  const std::string other = SyncFixture::id("joint.secretary");
  bool came_between = false;
  vfs.before_next_read([&] {
    came_between = true;
    EXPECT_TRUE(feed.ensure_user(*store, other));
  });
  const auto dropped = feed.ensure_user(*store, one);
  EXPECT_TRUE(came_between);
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(dropped.error().code, "M_UNKNOWN");
  EXPECT_EQ(dropped.error().detail, "the user's entry was dropped while it was loaded");
  EXPECT_FALSE(feed.joined_rooms(one)) << "nothing of it is in memory";
  EXPECT_TRUE(feed.joined_rooms(other));
  EXPECT_TRUE(feed.ensure_user(*store, one));
  EXPECT_TRUE(feed.joined_rooms(one));
  store.close();
}

TEST(SyncStreamTokens, HaveAThirdPartOnlyWhereMessagesToADeviceAreLeft) {
  EXPECT_EQ(format(StreamToken{.stream = 12, .typing = 3}), "s12_3");
  EXPECT_EQ(format(StreamToken{.stream = 12, .typing = 3, .to_device = 7}), "s12_3_7");
  EXPECT_EQ(*parse_stream_token("s12_3_7"),
            (StreamToken{.stream = 12, .typing = 3, .to_device = 7}));
  EXPECT_EQ(*parse_stream_token("s12_3"), (StreamToken{.stream = 12, .typing = 3}));
  for (const char* wrong : {"", "s", "s1", "s1_", "s_1", "s1_2_", "s1_2_3_4", "s1_2_x", "1_2",
                            "s01_2", "s1_2_-3", "s-1_2"}) {
    EXPECT_FALSE(parse_stream_token(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gims::service::sync

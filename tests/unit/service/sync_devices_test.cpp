#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "store/statements/sync.hpp"
#include "support/accounts_fixture.hpp"
#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using test::SyncFixture;
using Names = std::vector<std::string>;

Names list_of(const json::Document& reply, std::string_view which) {
  Names names;
  for (const json::Value name : reply.root().get("device_lists").get(which).array()) {
    names.emplace_back(name.string_or(""));
  }
  return names;
}

Names messages_of(const json::Document& reply) {
  Names texts;
  for (const json::Value event : reply.root().get("to_device").get("events").array()) {
    texts.emplace_back(event.get("content").get("text").string_or(""));
  }
  return texts;
}

TEST(SyncDeviceLists, NameWhoSharesARoomAndNoStranger) {
  SyncFixture site;
  site.room_of("joint.secretary", {"desk.officer"});
  site.room_of("stranger");
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.change_devices("joint.secretary"));
  ASSERT_TRUE(site.change_devices("stranger"));
  ASSERT_TRUE(site.change_devices("desk.officer"));
  const auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(list_of(reply, "changed"),
            (Names{SyncFixture::id("desk.officer"), SyncFixture::id("joint.secretary")}));
  EXPECT_EQ(list_of(reply, "left"), Names{});
  EXPECT_FALSE(site.sync("desk.officer", SyncFixture::next_of(reply)).root().get("device_lists"));
}

TEST(SyncDeviceLists, NameWhoCameToShareARoomOnBothSides) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"under.secretary"});
  const std::string there = site.now("joint.secretary");
  const std::string newcomer = site.now("desk.officer");
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, "desk.officer"));
  EXPECT_EQ(list_of(site.sync("joint.secretary", there), "changed"), Names{});
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::join, room));
  EXPECT_EQ(list_of(site.sync("joint.secretary", there), "changed"),
            Names{SyncFixture::id("desk.officer")});
  EXPECT_EQ(list_of(site.sync("desk.officer", newcomer), "changed"),
            (Names{SyncFixture::id("joint.secretary"), SyncFixture::id("under.secretary")}));
}

// However often devices change and however old the token is.
TEST(SyncDeviceLists, KeepOneRowOfEachUserAndMissNobody) {
  SyncFixture site;
  site.room_of("joint.secretary", {"desk.officer"});
  std::vector<std::string> tokens;
  for (int change = 0; change < 3; ++change) {
    tokens.push_back(site.now("desk.officer"));
    ASSERT_TRUE(site.change_devices("joint.secretary"));
    ASSERT_TRUE(site.change_devices("desk.officer"));
  }
  {
    auto reader = site.store->read();
    const auto rows = sql::all(reader->sql(), store::statements::SyncDeviceListChanges{.above = 0});
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->size(), 2U);
  }
  const Names both{SyncFixture::id("desk.officer"), SyncFixture::id("joint.secretary")};
  for (const std::string& token : tokens) {
    EXPECT_EQ(list_of(site.sync("desk.officer", token), "changed"), both);
    for (Feed* feed : {&site.feed(), &site.cold_feed()}) {
      const auto changed = changed_devices(*site.store, *feed, site.request("desk.officer", token));
      ASSERT_TRUE(changed);
      EXPECT_EQ(changed->changed, both);
    }
  }
  EXPECT_EQ(list_of(site.sync("desk.officer", site.now("desk.officer")), "changed"), Names{});
}

TEST(SyncDeviceLists, AChangeOfNameIsNoNewEncounter) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.member",
                       R"({"membership":"join","displayname":"J S"})",
                       SyncFixture::id("joint.secretary")));
  EXPECT_EQ(list_of(site.sync("desk.officer", since), "changed"), Names{});
}

TEST(SyncDeviceLists, NameWhoLeftTheLastSharedRoom) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  site.room_of("under.secretary", {"desk.officer"});
  std::string since = site.now("desk.officer");
  // Another room is shared with the under secretary.
  ASSERT_TRUE(site.act("under.secretary", SyncFixture::Act::leave, room));
  auto reply = site.sync("desk.officer", since);
  EXPECT_EQ(list_of(reply, "left"), Names{});
  ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::leave, room));
  reply = site.sync("desk.officer", SyncFixture::next_of(reply));
  EXPECT_EQ(list_of(reply, "left"), Names{SyncFixture::id("joint.secretary")});
}

TEST(SyncDeviceLists, WhoLeavesARoomLosesThoseLeftBehind) {
  SyncFixture site;
  const std::string room = site.room_of("joint.secretary", {"desk.officer", "under.secretary"});
  site.room_of("under.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.act("desk.officer", SyncFixture::Act::leave, room));
  EXPECT_EQ(list_of(site.sync("desk.officer", since), "left"),
            Names{SyncFixture::id("joint.secretary")});
}

TEST(SyncToDevice, IsDeliveredUntilTheDeviceComesBackWithIt) {
  SyncFixture site;
  const std::string since = site.now("desk.officer");
  ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", "one"));
  ASSERT_TRUE(site.send_to_device("desk.officer", "LAPTOP", "other"));
  const auto first = site.sync("desk.officer", since);
  EXPECT_EQ(messages_of(first), Names{"one"});
  // The reply was lost: the same again.
  EXPECT_EQ(messages_of(site.sync("desk.officer", since)), Names{"one"});
  ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", "two"));
  EXPECT_EQ(messages_of(site.sync("desk.officer", SyncFixture::next_of(first))), Names{"two"});
}

struct HeldFeed {
  Feed feed;
};
// Sign-ins and a feed that hears of them.
class SyncSignIn : private HeldFeed, public test::AccountsFixture {
 protected:
  SyncSignIn() : AccountsFixture(test::quick_closed_policy(), {&feed}) {
    feed.start(store->position());
    EXPECT_TRUE(add_user("desk.officer"));
  }
  SyncRequest request(std::string_view since) {
    SyncRequest request{.user_id = id("desk.officer"),
                        .device_id = "PHONE",
                        .since = std::nullopt,
                        .filter = std::make_shared<const Filter>()};
    if (!since.empty()) request.since = *parse_stream_token(since);
    return request;
  }
  // What a request without a wait is answered.
  json::Document answer(std::string_view since) {
    return *json::Document::parse(ask(since, std::chrono::milliseconds(0))->body);
  }
  struct Answer {
    std::string body;
    std::string error;
  };
  std::shared_ptr<Answer> ask(std::string_view since, std::chrono::milliseconds timeout) {
    auto answered = std::make_shared<Answer>();
    sync.run(request(since), timeout, sync.ticket(id("desk.officer")),
             [answered](Result<http::Chain> chain) {
               if (chain) answered->body = text_of(*chain);
               if (!chain) answered->error = chain.error().code;
             });
    return answered;
  }

  test::ManualClock clock;
  Sync sync{*store, feed, policy, clock, {.workers = 0}};
};

TEST_F(SyncSignIn, TheSameDeviceKeepsWhatWaitsForIt) {
  ASSERT_TRUE(login("desk.officer"));
  ASSERT_TRUE(login("desk.officer", password, "LAPTOP"));
  const std::string since = SyncFixture::next_of(answer(""));
  // A key of a room; then the client loses its token, and its user signs in on it again.
  ASSERT_TRUE(wait<void>([&](auto done) {
    to_device.send({.sender = id("desk.officer"),
                    .sender_device = "LAPTOP",
                    .type = "m.test",
                    .txn_id = "1",
                    .messages = {{.user_id = id("desk.officer"),
                                  .device_id = "PHONE",
                                  .content = R"({"text":"one"})"}}},
                   std::move(done));
  }));
  ASSERT_TRUE(login("desk.officer"));
  EXPECT_EQ(messages_of(answer(since)), Names{"one"});
  EXPECT_EQ(messages_of(answer("")), Names{"one"});
}

TEST_F(SyncSignIn, EndsTheRequestsOfTheOldToken) {
  ASSERT_TRUE(login("desk.officer"));
  ASSERT_TRUE(login("desk.officer", password, "LAPTOP"));
  const auto waiting = ask(SyncFixture::next_of(answer("")), std::chrono::milliseconds(30000));
  ASSERT_TRUE(login("desk.officer", password, "LAPTOP"));
  while (sync.run_due() > 0) {
  }
  EXPECT_EQ(waiting->error + waiting->body, "") << "another device";
  ASSERT_TRUE(login("desk.officer"));
  while (sync.run_due() > 0) {
  }
  EXPECT_EQ(waiting->error, "M_UNKNOWN_TOKEN");
}

TEST(SyncToDevice, WhatTheDeviceHasIsDeleted) {
  SyncFixture site;
  test::ManualClock clock;
  Sync sync(*site.store, site.feed(), site.policy, clock, {.workers = 0});
  const auto stored = [&] {
    auto reader = site.store->read();
    std::int64_t count = 0;
    EXPECT_TRUE(
        sql::for_each(reader->sql(),
                      store::statements::SyncToDevice{.user_id = SyncFixture::id("desk.officer"),
                                                      .device_id = "PHONE",
                                                      .above = 0,
                                                      .up_to = INT64_MAX,
                                                      .most = 1000},
                      [&](const auto&) { ++count; }));
    return count;
  };
  const auto run = [&](std::string_view since) {
    std::string body;
    sync.run(site.request("desk.officer", since), {}, sync.ticket(SyncFixture::id("desk.officer")),
             [&](Result<http::Chain> chain) { body = text_of(*chain); });
    // The writer has done what was submitted before this.
    EXPECT_TRUE(site.store.write([](store::Transaction&) -> Result<> { return {}; }));
    return SyncFixture::next_of(*json::Document::parse(body));
  };
  ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", "one"));
  const std::string first = run("");
  EXPECT_EQ(stored(), 1);
  ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", "two"));
  const std::string second = run(first);
  EXPECT_EQ(stored(), 1);
  run(second);
  EXPECT_EQ(stored(), 0);
}

TEST(SyncToDevice, ALongQueueComesInParts) {
  SyncFixture site;
  const std::string since = site.now("desk.officer");
  constexpr std::size_t sent = most_to_device + 20;
  for (std::size_t i = 0; i < sent; ++i) {
    ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", std::to_string(i)));
  }
  const auto first = site.sync("desk.officer", since);
  Names all = messages_of(first);
  EXPECT_EQ(all.size(), most_to_device);
  const auto second = site.sync("desk.officer", SyncFixture::next_of(first));
  for (std::string& text : messages_of(second)) all.push_back(std::move(text));
  ASSERT_EQ(all.size(), sent);
  for (std::size_t i = 0; i < sent; ++i) EXPECT_EQ(all[i], std::to_string(i));
  EXPECT_EQ(messages_of(site.sync("desk.officer", SyncFixture::next_of(second))), Names{});
}

TEST(SyncKeyCounts, AreInEveryReplyAndFollowTheKeys) {
  SyncFixture site;
  const auto counts = [&](const json::Document& reply) {
    return reply.root().get("device_one_time_keys_count").get("signed_curve25519").as_int();
  };
  const auto first = site.sync("desk.officer");
  EXPECT_EQ(counts(first), 0);
  EXPECT_TRUE(first.root().get("device_unused_fallback_key_types").is_array());
  const auto user = SyncFixture::id("desk.officer");
  ASSERT_TRUE(site.store.write([&](store::Transaction& t) -> Result<> {
    GIMS_TRY(t.sql().script(
        "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, content, stream_id) "
        "VALUES ('" +
        user + "','PHONE','signed_curve25519','AAAA','{}',1)"));
    GIMS_TRY(
        t.sql().script("INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, content) "
                       "VALUES ('" +
                       user + "','PHONE','signed_curve25519','AAAB','{}')"));
    t.publish(store::KeyCountsChanged{.user_id = user, .device_id = "PHONE"});
    return {};
  }));
  const auto second = site.sync("desk.officer", SyncFixture::next_of(first));
  EXPECT_EQ(counts(second), 1);
  EXPECT_EQ(second.root().get("device_unused_fallback_key_types").at(0).as_string(),
            "signed_curve25519");
  EXPECT_EQ(counts(site.sync("desk.officer", "", {.device = "LAPTOP"})), 0);
}

}  // namespace
}  // namespace gims::service::sync

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/sync_fixture.hpp"

namespace gims::service::sync {
namespace {

using std::chrono::milliseconds;
using test::bodies_of;
using test::joined;
using test::SyncFixture;
using test::types_of;

// One request and what came of it. Lives on in its reply, which may come after the test.
class Pending {
 public:
  Reply reply() {
    return [state = state_](Result<http::Chain> chain) {
      if (chain) {
        state->body = text_of(*chain);
      } else {
        state->error = chain.error();
      }
      state->done = true;
    };
  }
  [[nodiscard]] bool done() const { return state_->done; }
  [[nodiscard]] const Error& error() const { return state_->error; }
  [[nodiscard]] json::Document json() const { return *json::Document::parse(state_->body); }

 private:
  struct State {
    std::atomic<bool> done = false;
    std::string body;
    Error error;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class SyncWait : public ::testing::Test {
 protected:
  static constexpr std::int64_t grace = 1000;  // of a wait that a newer one of its device follows

  void start(Pending& pending, std::string_view who, const std::string& since,
             milliseconds timeout = milliseconds(30000),
             const test::SyncOptionsUnderTest& options = {}) {
    auto request = site.request(who, since, options);
    request.even_if_empty = false;
    tickets.push_back(sync.ticket(request.user_id));
    sync.run(std::move(request), timeout, tickets.back(), pending.reply());
  }
  void settle() {
    while (sync.run_due() > 0) {
    }
  }
  Result<> typing(std::string_view who, std::string_view room, milliseconds time) {
    site.feed().set_typing(site.nid(room), room, SyncFixture::id(who), clock.steady(),
                           clock.steady() + time);
    return {};
  }

  SyncFixture site;
  test::ManualClock clock;
  Sync sync{*site.store, site.feed(), site.policy, clock, {.workers = 0}};
  std::vector<Sync::Ticket> tickets;
};

TEST_F(SyncWait, EndsWithTheMessageThatComes) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  EXPECT_FALSE(pending.done());
  EXPECT_EQ(site.feed().sizes().waiters, 1U);
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  settle();
  ASSERT_TRUE(pending.done());
  const auto reply = pending.json();
  EXPECT_EQ(bodies_of(joined(reply, room).get("timeline")), std::vector<std::string>{"one"});
  EXPECT_EQ(site.feed().sizes().waiters, 0U);
}

TEST_F(SyncWait, IsNotEndedByTheRoomsOfOthers) {
  const std::string room = site.room_of("joint.secretary");
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  settle();
  EXPECT_FALSE(pending.done());
}

TEST_F(SyncWait, GoesOnWhereTheFilterDropsWhatCame) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"), milliseconds(30000),
        {.filter = R"({"room":{"timeline":{"types":["m.room.topic"]}}})"});
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  settle();
  EXPECT_FALSE(pending.done());
  ASSERT_TRUE(site.put("joint.secretary", room, "m.room.topic", R"({"topic":"new"})"));
  settle();
  ASSERT_TRUE(pending.done());
  EXPECT_EQ(types_of(joined(pending.json(), room).get("timeline")),
            std::vector<std::string>{"m.room.topic"});
}

TEST_F(SyncWait, EndsInTimeWithATokenToGoOnFrom) {
  const std::string since = site.now("desk.officer");
  Pending pending;
  start(pending, "desk.officer", since, milliseconds(5000));
  clock.advance(4999);
  settle();
  EXPECT_FALSE(pending.done());
  clock.advance(1);
  settle();
  ASSERT_TRUE(pending.done());
  EXPECT_EQ(SyncFixture::next_of(pending.json()), since);
  EXPECT_TRUE(pending.json().root().get("device_one_time_keys_count"));
}

TEST_F(SyncWait, DoesNotBeginWithoutATimeout) {
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"), milliseconds(0));
  EXPECT_TRUE(pending.done());
}

TEST_F(SyncWait, ANewerOneOfTheDeviceTakesItsPlace) {
  const std::string since = site.now("desk.officer");
  Pending older;
  Pending newer;
  Pending laptop;
  start(older, "desk.officer", since);
  start(laptop, "desk.officer", since, milliseconds(30000), {.device = "LAPTOP"});
  start(newer, "desk.officer", since);
  settle();
  EXPECT_FALSE(older.done()) << "not at once: its client might come back at once as well";
  clock.advance(SyncWait::grace);
  settle();
  EXPECT_TRUE(older.done());
  EXPECT_EQ(SyncFixture::next_of(older.json()), since);
  EXPECT_FALSE(newer.done());
  EXPECT_FALSE(laptop.done());
  EXPECT_EQ(site.feed().sizes().waiters, 2U);
}

// Two clients with one token (a session that was copied). Each comes back as soon as it is
// answered.
TEST_F(SyncWait, TwoClientsOfOneDeviceDoNotDriveOneAnother) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const std::string since = site.now("desk.officer");
  std::array<std::unique_ptr<Pending>, 2> clients;
  int replies = 0;
  constexpr int seconds = 10;
  for (int step = 0; step < 10 * seconds; ++step) {
    for (auto& client : clients) {
      if (client && !client->done()) continue;
      if (client) ++replies;
      client = std::make_unique<Pending>();
      start(*client, "desk.officer", since);
      settle();
    }
    clock.advance(100);
    settle();
  }
  EXPECT_LE(replies, 2 * seconds);
  EXPECT_GT(replies, 0);
  // Both hear of what comes.
  for (auto& client : clients) {
    if (!client->done()) continue;
    client = std::make_unique<Pending>();
    start(*client, "desk.officer", since);
  }
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));
  settle();
  for (const auto& client : clients) {
    ASSERT_TRUE(client->done());
    EXPECT_EQ(bodies_of(joined(client->json(), room).get("timeline")),
              std::vector<std::string>{"one"});
  }
}

// An older one that was looking at news when the newer came has its end, too.
TEST_F(SyncWait, AnOlderOneThatWaitsOnIsEndedAsWell) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const test::SyncOptionsUnderTest no_messages{
      .filter = R"({"room":{"timeline":{"types":["m.room.topic"]}}})"};
  const std::string since = site.now("desk.officer");
  Pending older;
  Pending newer;
  start(older, "desk.officer", since, milliseconds(30000), no_messages);
  ASSERT_TRUE(site.say("joint.secretary", room, "one"));  // makes it ready
  start(newer, "desk.officer", since, milliseconds(30000), no_messages);
  settle();
  EXPECT_FALSE(older.done());
  clock.advance(SyncWait::grace);
  settle();
  EXPECT_TRUE(older.done());
  EXPECT_FALSE(newer.done());
}

// A client reads the absence of the counts as "no keys" and makes new ones.
TEST_F(SyncWait, EveryReplyHasTheKeyCounts) {
  const std::string user = SyncFixture::id("desk.officer");
  const std::string since = site.now("desk.officer");
  const auto add_key = [&](const std::string& name) {
    ASSERT_TRUE(site.store.write([&](store::Transaction& t) -> Result<> {
      GIMS_TRY(t.sql().script(
          "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, content, stream_id) "
          "VALUES ('" +
          user + "','PHONE','signed_curve25519','" + name + "','{}',1)"));
      t.publish(store::KeyCountsChanged{.user_id = user, .device_id = "PHONE"});
      return {};
    }));
  };
  const auto expect_counts = [](const Pending& pending, std::int64_t keys) {
    ASSERT_TRUE(pending.done());
    const auto reply = pending.json();
    EXPECT_EQ(reply.root().get("device_one_time_keys_count").get("signed_curve25519").as_int(),
              keys);
    EXPECT_TRUE(reply.root().get("device_unused_fallback_key_types").is_array());
  };
  Pending older;
  Pending newer;
  start(older, "desk.officer", since);
  add_key("AAAA");
  start(newer, "desk.officer", since);
  clock.advance(SyncWait::grace);
  settle();
  expect_counts(older, 1);
  // A password was changed, a token refreshed, the account locked.
  add_key("AAAB");
  ASSERT_TRUE(site.store.write([&](store::Transaction& t) -> Result<> {
    t.publish(store::UserStateChanged{.user_id = user});
    return {};
  }));
  settle();
  expect_counts(newer, 2);
  Pending last;
  start(last, "desk.officer", since);
  add_key("AAAC");
  sync.stop();
  expect_counts(last, 3);
  Pending later;
  start(later, "desk.officer", since);
  expect_counts(later, 3);
}

TEST_F(SyncWait, ASignedOutDeviceIsToldSo) {
  Pending pending;
  Pending laptop;
  const std::string since = site.now("desk.officer");
  start(pending, "desk.officer", since);
  start(laptop, "desk.officer", since, milliseconds(30000), {.device = "LAPTOP"});
  ASSERT_TRUE(site.store.write([](store::Transaction& t) -> Result<> {
    t.publish(
        store::DeviceRemoved{.user_id = SyncFixture::id("desk.officer"), .device_id = "PHONE"});
    return {};
  }));
  settle();
  ASSERT_TRUE(pending.done());
  EXPECT_EQ(pending.error().code, "M_UNKNOWN_TOKEN");
  EXPECT_FALSE(laptop.done());
}

TEST_F(SyncWait, AClientThatWentFreesItsPlace) {
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  sync.gone(tickets.back());
  EXPECT_EQ(site.feed().sizes().waiters, 0U);
  EXPECT_FALSE(pending.done());
}

TEST_F(SyncWait, StoppingAnswersAll) {
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  sync.stop();
  EXPECT_TRUE(pending.done());
  Pending later;
  start(later, "desk.officer", SyncFixture::next_of(pending.json()));
  EXPECT_TRUE(later.done());
}

TEST_F(SyncWait, EndsWithAMessageToTheDeviceAndNotToAnother) {
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  ASSERT_TRUE(site.send_to_device("desk.officer", "LAPTOP", "other"));
  settle();
  EXPECT_FALSE(pending.done());
  ASSERT_TRUE(site.send_to_device("desk.officer", "PHONE", "one"));
  settle();
  EXPECT_TRUE(pending.done());
}

TEST_F(SyncWait, EndsWithNewDevicesOfSomebodyWhoNeverSyncedHere) {
  site.room_of("joint.secretary", {"desk.officer"});
  Pending pending;
  start(pending, "desk.officer", site.now("desk.officer"));
  ASSERT_TRUE(site.change_devices("stranger"));
  settle();
  EXPECT_FALSE(pending.done());
  ASSERT_TRUE(site.change_devices("joint.secretary"));
  // The job that reads whose contacts they are, then the wait itself.
  sync.run_due();
  settle();
  EXPECT_TRUE(pending.done());
}

TEST_F(SyncWait, EndsWithTypingAndAgainWhenItEnds) {
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  const auto typists = [&](const json::Document& reply) {
    const json::Value events = joined(reply, room).get("ephemeral").get("events");
    std::vector<std::string> names;
    EXPECT_EQ(events.at(0).get("type").as_string(), "m.typing");
    for (const json::Value name : events.at(0).get("content").get("user_ids").array()) {
      names.emplace_back(name.string_or(""));
    }
    return names;
  };
  Pending begins;
  start(begins, "desk.officer", site.now("desk.officer"));
  ASSERT_TRUE(typing("joint.secretary", room, milliseconds(10000)));
  settle();
  ASSERT_TRUE(begins.done());
  EXPECT_EQ(typists(begins.json()), std::vector<std::string>{SyncFixture::id("joint.secretary")});

  Pending ends;
  start(ends, "desk.officer", SyncFixture::next_of(begins.json()));
  // Typing on: nothing to tell, and the end is put off.
  clock.advance(8000);
  ASSERT_TRUE(typing("joint.secretary", room, milliseconds(10000)));
  clock.advance(9999);
  settle();
  EXPECT_FALSE(ends.done());
  clock.advance(1);
  settle();
  ASSERT_TRUE(ends.done());
  EXPECT_EQ(typists(ends.json()), std::vector<std::string>{});
}

TEST_F(SyncWait, WaitsOfOneUserAndInAllAreBounded) {
  Feed small({.waits = 3, .waits_of_user = 2});
  small.start(site.store->position());
  Sync bounded(*site.store, small, site.policy, clock, {.workers = 0});
  const std::string since = site.now("desk.officer");
  std::vector<std::unique_ptr<Pending>> all;
  const auto wait = [&](std::string_view who, const std::string& device) {
    auto request = site.request(who, since, {.device = device});
    request.even_if_empty = false;
    all.push_back(std::make_unique<Pending>());
    bounded.run(std::move(request), milliseconds(30000), bounded.ticket(SyncFixture::id(who)),
                all.back()->reply());
    while (bounded.run_due() > 0) {
    }
    return !all.back()->done();
  };
  // Told to come later: an empty reply at once would be asked for again at once.
  const auto told_to_wait = [&] {
    return all.back()->error().code == "M_LIMIT_EXCEEDED" && all.back()->error().retry_after;
  };
  EXPECT_TRUE(wait("desk.officer", "A"));
  EXPECT_TRUE(wait("desk.officer", "B"));
  EXPECT_FALSE(wait("desk.officer", "C"));
  EXPECT_TRUE(told_to_wait());
  EXPECT_TRUE(wait("joint.secretary", "A"));
  EXPECT_FALSE(wait("joint.secretary", "B"));
  EXPECT_TRUE(told_to_wait());
  bounded.stop();
}

TEST_F(SyncWait, WaitsOfOneDeviceAreBoundedAndLeaveRoomForOthers) {
  const std::string since = site.now("desk.officer");
  std::array<Pending, 5> phones;
  for (Pending& phone : phones) start(phone, "desk.officer", since);
  settle();
  EXPECT_EQ(site.feed().sizes().waiters, 4U);
  // Told to come later, as an empty reply would be followed at once by one request more.
  EXPECT_EQ(phones.front().error().code, "M_LIMIT_EXCEEDED");
  EXPECT_FALSE(phones.back().done());
  Pending laptop;
  start(laptop, "desk.officer", since, milliseconds(30000), {.device = "LAPTOP"});
  EXPECT_FALSE(laptop.done());
  clock.advance(SyncWait::grace);
  settle();
  EXPECT_EQ(site.feed().sizes().waiters, 2U) << "the newest of the phone, the laptop";
}

// A message to a thousand devices that wait: read once, written once, whatever their number.
TEST_F(SyncWait, AThousandDevicesCostNoMoreStatementsThanTen) {
  constexpr int users = 100;
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  std::vector<std::string> names;
  for (int i = 0; i < users; ++i) {
    names.push_back("officer" + std::to_string(i));
    site.add_user(names.back());
    ASSERT_TRUE(site.act("joint.secretary", SyncFixture::Act::invite, room, names.back()));
    ASSERT_TRUE(site.act(names.back(), SyncFixture::Act::join, room));
  }
  // The statements of one message while `devices` of each user wait.
  const auto statements_for = [&](int devices) {
    const std::string since = site.now("joint.secretary");
    std::vector<Pending> all(static_cast<std::size_t>(users * devices));
    for (std::size_t i = 0; i < all.size(); ++i) {
      start(all[i], names[i % users], since, milliseconds(30000),
            {.device = "D" + std::to_string(i / users)});
    }
    EXPECT_EQ(site.feed().sizes().waiters, all.size());
    const std::uint64_t before = site.feed().statements();
    EXPECT_TRUE(site.send("joint.secretary", room,
                          R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"AAAA"})",
                          "m.room.encrypted"));
    settle();
    for (const Pending& pending : all) {
      EXPECT_TRUE(pending.done());
      if (!pending.done()) break;
      EXPECT_EQ(types_of(joined(pending.json(), room).get("timeline")),
                std::vector<std::string>{"m.room.encrypted"});
    }
    return site.feed().statements() - before;
  };
  // The first one fills what is remembered of users and devices.
  statements_for(10);
  EXPECT_EQ(statements_for(10), 0U);
  EXPECT_EQ(statements_for(1), 0U);
}

// No wake-up falls between the look and the wait: with real workers, and writers that never pause.
TEST(SyncWaitRace, NoWakeUpIsLost) {
  SyncFixture site;
  const SystemClock clock;
  Sync sync(*site.store, site.feed(), site.policy, clock, {.workers = 2});
  const std::string room = site.room_of("joint.secretary", {"desk.officer"});
  constexpr int messages = 300;
  const std::string start = site.now("desk.officer");
  std::thread writer([&] {
    for (int i = 0; i < messages; ++i) {
      EXPECT_TRUE(site.say("joint.secretary", room, std::to_string(i)));
    }
  });
  std::vector<std::thread> readers;
  std::atomic<int> complete = 0;
  for (int device = 0; device < 3; ++device) {
    readers.emplace_back([&, device] {
      std::string since = start;
      int seen = 0;
      while (seen < messages) {
        std::mutex mutex;
        std::condition_variable answered;
        std::string body;
        bool done = false;
        auto request = site.request("desk.officer", since,
                                    {.filter = R"({"room":{"timeline":{"limit":100}}})",
                                     .device = "D" + std::to_string(device)});
        request.even_if_empty = false;
        // A lost wake-up ends this test only with the wait: five minutes.
        sync.run(std::move(request), milliseconds(300'000),
                 sync.ticket(SyncFixture::id("desk.officer")), [&](Result<http::Chain> chain) {
                   const std::scoped_lock lock(mutex);
                   body = text_of(*chain);
                   done = true;
                   answered.notify_one();
                 });
        {
          std::unique_lock lock(mutex);
          answered.wait(lock, [&] { return done; });
        }
        const auto reply = *json::Document::parse(body);
        since = SyncFixture::next_of(reply);
        const json::Value timeline = joined(reply, room).get("timeline");
        const auto texts = bodies_of(timeline);
        // A reader that lags by more than a timeline holds is told so, and misses what is before.
        if (timeline.get("limited").bool_or(false) && !texts.empty()) seen = std::stoi(texts[0]);
        for (const std::string& text : texts) {
          EXPECT_EQ(text, std::to_string(seen));
          seen = std::stoi(text) + 1;
        }
      }
      ++complete;
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(complete, 3);
  sync.stop();
}

}  // namespace
}  // namespace gims::service::sync

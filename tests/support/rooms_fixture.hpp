// A store with officers and rooms, for the tests of services. Every call waits for its commit.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "service/policy.hpp"
#include "service/rooms/directory.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/rooms.hpp"
#include "store/statements/events.hpp"
#include "store/statements/state.hpp"
#include "support/store_under_test.hpp"

namespace gims::test {

// Hears of what was committed, in order.
class RecordingListener final : public store::ChangeListener {
 public:
  void committed(store::StreamId, std::span<const store::Change> changes) noexcept override {
    changes_.insert(changes_.end(), changes.begin(), changes.end());
  }
  // Call when the writer is idle (all calls have returned).
  template <class Kind>
  [[nodiscard]] std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const store::Change& change : changes_) {
      if (const auto* kind = std::get_if<Kind>(&change)) found.push_back(*kind);
    }
    return found;
  }
  void clear() { changes_.clear(); }

 private:
  std::vector<store::Change> changes_;
};

inline service::Policy open_policy() {
  service::Policy policy = service::test_site_policy();
  policy.server_name = "gims.internal";
  return policy;
}
inline service::Policy closed_policy() {
  service::Policy policy;
  policy.server_name = "gims.internal";
  return policy;
}

// "desk.officer" is @desk.officer:gims.internal everywhere here.
class RoomsFixture {
 public:
  using Actor = service::rooms::Actor;
  using NewRoom = service::rooms::NewRoom;
  using Act = service::rooms::Act;

  explicit RoomsFixture(service::Policy policy_of = open_policy(),
                        std::vector<store::ChangeListener*> others = {})
      : policy(std::move(policy_of)),
        store(with(std::move(others), &listener)),
        rooms(*store, policy, store.clock()),
        reads(*store, store.clock()),
        directory(*store, policy) {
    for (const char* name : {"joint.secretary", "desk.officer", "under.secretary", "stranger"}) {
      add_user(name);
    }
  }
  ~RoomsFixture() { store->stop(); }
  RoomsFixture(const RoomsFixture&) = delete;
  RoomsFixture& operator=(const RoomsFixture&) = delete;

  static std::string id(std::string_view name) {
    return "@" + std::string(name) + ":gims.internal";
  }
  static Actor actor(std::string_view name, std::string_view device = "PHONE") {
    return {.user_id = id(name), .device_id = std::string(device)};
  }

  void add_user(std::string_view name) {
    const std::string sql =
        "INSERT INTO users (user_id, created_ts) VALUES ('" + id(name) + "', 0)";
    ASSERT_TRUE(
        store.write([&](store::Transaction& t) -> Result<> { return t.sql().script(sql); }));
  }
  void set_profile(std::string_view name, std::string_view field, std::string_view json) {
    const std::string sql = "INSERT INTO profile_fields (user_id, name, value) VALUES ('" +
                            id(name) + "', '" + std::string(field) + "', '" + std::string(json) +
                            "')";
    ASSERT_TRUE(
        store.write([&](store::Transaction& t) -> Result<> { return t.sql().script(sql); }));
  }

  template <class T, class Start>
  static Result<T> wait(Start start) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    start([&promise](Result<T> outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
  }

  Result<std::string> create(std::string_view who, NewRoom request = {}) {
    return wait<std::string>(
        [&](auto done) { rooms.create(actor(who), std::move(request), std::move(done)); });
  }
  // A room that must come about, with these joined.
  std::string room_of(std::string_view creator, const std::vector<std::string_view>& members = {},
                      NewRoom request = {}) {
    auto room = create(creator, std::move(request));
    EXPECT_TRUE(room) << (room ? "" : room.error().text + room.error().detail);
    for (const std::string_view member : members) {
      EXPECT_TRUE(act(creator, Act::invite, *room, member));
      EXPECT_TRUE(act(member, Act::join, *room));
    }
    return room ? *room : std::string();
  }
  Result<std::string> send(std::string_view who, std::string_view room, std::string_view content,
                           std::string_view type = "m.room.message", std::string_view txn = "") {
    return wait<std::string>([&](auto done) {
      rooms.send_message(actor(who), std::string(room), std::string(type), std::string(content),
                         std::string(txn), std::move(done));
    });
  }
  Result<std::string> say(std::string_view who, std::string_view room, std::string_view text) {
    return send(who, room, R"({"msgtype":"m.text","body":")" + std::string(text) + R"("})");
  }
  Result<std::string> put(std::string_view who, std::string_view room, std::string_view type,
                          std::string_view content, std::string_view key = "") {
    return wait<std::string>([&](auto done) {
      rooms.send_state(actor(who), std::string(room),
                       {.type = std::string(type),
                        .state_key = std::string(key),
                        .content = std::string(content)},
                       std::move(done));
    });
  }
  Result<std::string> redact(std::string_view who, std::string_view room, std::string_view event,
                             std::string_view txn = "") {
    return wait<std::string>([&](auto done) {
      rooms.redact(actor(who), std::string(room), std::string(event), "{}", std::string(txn),
                   std::move(done));
    });
  }
  Result<std::string> act(std::string_view who, Act what, std::string_view room,
                          std::string_view target = "") {
    return wait<std::string>([&](auto done) {
      rooms.set_membership(actor(who), what, std::string(room), id(target.empty() ? who : target),
                           {}, std::move(done));
    });
  }
  Result<std::string> upgrade(std::string_view who, std::string_view room, std::string_view version,
                              std::vector<std::string> creators = {}) {
    return wait<std::string>([&](auto done) {
      rooms.upgrade(actor(who), std::string(room), std::string(version), std::move(creators),
                    std::move(done));
    });
  }
  Result<> add_alias(std::string_view who, std::string_view alias, std::string_view room) {
    return wait<void>([&](auto done) {
      rooms.add_alias(actor(who), std::string(alias), std::string(room), std::move(done));
    });
  }
  Result<> remove_alias(std::string_view who, std::string_view alias) {
    return wait<void>(
        [&](auto done) { rooms.remove_alias(actor(who), std::string(alias), std::move(done)); });
  }
  Result<> set_listed(std::string_view who, std::string_view room, bool listed) {
    return wait<void>([&](auto done) {
      rooms.set_listed(actor(who), std::string(room), listed, std::move(done));
    });
  }
  Result<> forget(std::string_view who, std::string_view room) {
    return wait<void>(
        [&](auto done) { rooms.forget(actor(who), std::string(room), std::move(done)); });
  }

  // The PDU as it is stored; an invalid root where there is none.
  json::Document pdu(std::string_view event_id) {
    auto reader = store->read();
    auto row = sql::first(reader->sql(), store::statements::EventById{.event_id = event_id});
    if (!row || !*row) return {};
    return *json::Document::parse((**row).pdu);
  }
  json::Document state(std::string_view room, std::string_view type, std::string_view key = "") {
    const auto nid = rooms.room_nid(room);
    if (!nid || !*nid) return {};
    auto reader = store->read();
    auto row = sql::first(reader->sql(), store::statements::CurrentStateEvent{
                                             .room_nid = **nid, .type = type, .state_key = key});
    if (!row || !*row) return {};
    return *json::Document::parse((**row).pdu);
  }
  std::string membership(std::string_view room, std::string_view who) {
    const json::Document event = state(room, "m.room.member", id(who));
    return std::string(event.root().get("content").get("membership").string_or(""));
  }
  // All of a room's PDUs, oldest first.
  std::vector<json::Document> timeline(std::string_view room) {
    std::vector<json::Document> events;
    const auto nid = rooms.room_nid(room);
    auto reader = store->read();
    auto rows = sql::all(
        reader->sql(), store::statements::EventsForward{
                           .room_nid = **nid, .after = 0, .upto = INT64_MAX, .how_many = 100'000});
    for (const auto& row : *rows) events.push_back(*json::Document::parse(row.pdu));
    return events;
  }

  static std::vector<store::ChangeListener*> with(std::vector<store::ChangeListener*> others,
                                                  store::ChangeListener* one) {
    others.push_back(one);
    return others;
  }

  service::Policy policy;
  RecordingListener listener;
  StoreUnderTest store;
  service::rooms::Rooms rooms;
  service::rooms::RoomReads reads;
  service::rooms::Directory directory;
};

// The answer of a read, which must succeed.
inline json::Document parsed(const Result<std::string>& answer) {
  EXPECT_TRUE(answer) << (answer ? "" : answer.error().text + " " + answer.error().detail);
  if (!answer) return {};
  auto document = json::Document::parse(*answer);
  EXPECT_TRUE(document) << *answer;
  return document ? std::move(*document) : json::Document();
}

// "M_FORBIDDEN" of a refusal; "" of a success.
template <class T>
std::string code_of(const Result<T>& result) {
  return result ? std::string() : result.error().code;
}

}  // namespace gims::test

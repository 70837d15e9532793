// A site with two feeds: one that remembers, and one that remembers nothing, so that its replies
// come from the tables. Both must say the same.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/encryption/device_keys.hpp"
#include "service/sync/assembly.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/sync.hpp"
#include "support/manual_clock.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::test {

struct Feeds {
  service::sync::Feed warm;
  service::sync::Feed cold{
      {.events = 0, .room_events = 0, .room_receipts = 0, .room_members = 0, .device_changes = 0}};
};

struct SyncOptionsUnderTest {
  std::string filter = "{}";
  bool full_state = false;
  bool use_state_after = false;
  bool unstable_state_after = false;
  std::string device = "PHONE";
};

class SyncFixture : private Feeds, public RoomsFixture {
 public:
  using StreamToken = service::StreamToken;
  using Listeners = std::vector<store::ChangeListener*>;

  // `last`: hears of what was committed after the feeds.
  explicit SyncFixture(service::Policy policy_of = open_policy(),
                       store::ChangeListener* last = nullptr)
      : RoomsFixture(std::move(policy_of),
                     last == nullptr ? Listeners{&warm, &cold} : Listeners{&warm, &cold, last}) {
    warm.start(store->position());
    cold.start(store->position());
  }
  service::sync::Feed& feed() { return warm; }
  service::sync::Feed& cold_feed() { return cold; }

  static std::shared_ptr<const service::sync::Filter> filter_of(std::string_view text) {
    const auto document = json::Document::parse(text);
    EXPECT_TRUE(document) << text;
    auto filter = service::sync::Filter::parse(document->root());
    EXPECT_TRUE(filter) << filter.error().text;
    return std::make_shared<const service::sync::Filter>(std::move(*filter));
  }
  service::sync::SyncRequest request(std::string_view who, std::string_view since,
                                     const SyncOptionsUnderTest& options = {}) {
    std::optional<StreamToken> token;
    if (!since.empty()) {
      auto parsed = service::parse_stream_token(since);
      EXPECT_TRUE(parsed) << since;
      token = *parsed;
    }
    return {.user_id = id(who),
            .device_id = options.device,
            .since = token,
            .filter = filter_of(options.filter),
            .full_state = options.full_state,
            .use_state_after = options.use_state_after,
            .unstable_state_after = options.unstable_state_after,
            .even_if_empty = true};
  }
  // From both feeds, which must agree to the byte.
  std::string sync_text(std::string_view who, std::string_view since = "",
                        const SyncOptionsUnderTest& options = {}) {
    const auto from = request(who, since, options);
    auto from_memory = service::sync::assemble(*store, warm, from);
    auto from_tables = service::sync::assemble(*store, cold, from);
    EXPECT_TRUE(from_memory) << from_memory.error().detail << from_memory.error().text;
    EXPECT_TRUE(from_tables) << from_tables.error().detail << from_tables.error().text;
    if (!from_memory || !from_tables) return "{}";
    std::string text = service::sync::text_of(from_memory->body);
    EXPECT_EQ(text, service::sync::text_of(from_tables->body));
    EXPECT_EQ(from_memory->empty, from_tables->empty);
    return text;
  }
  json::Document sync(std::string_view who, std::string_view since = "",
                      const SyncOptionsUnderTest& options = {}) {
    const std::string text = sync_text(who, since, options);
    auto document = json::Document::parse(text);
    EXPECT_TRUE(document) << text;
    return document ? std::move(*document) : json::Document();
  }
  static std::string next_of(const json::Document& reply) {
    return std::string(reply.root().get("next_batch").string_or(""));
  }
  std::string now(std::string_view who) { return next_of(sync(who)); }

  store::RoomNid nid(std::string_view room) { return **rooms.room_nid(room); }
  Result<> write_sql(std::string sql) {
    return store.write(
        [sql = std::move(sql)](store::Transaction& t) { return t.sql().script(sql); });
  }
  // A row of the table, and what its owner publishes with it.
  template <class Make>
  Result<> write_and_publish(Make make) {
    return store.write([make = std::move(make)](store::Transaction& t) -> Result<> {
      const store::StreamId position = t.next_position();
      auto [sql, change] = make(position);
      GIMS_TRY(t.sql().script(sql));
      t.publish(std::move(change));
      return {};
    });
  }
  Result<> set_account_data(std::string_view who, std::string_view type, std::string_view content,
                            std::string_view room = "") {
    return write_and_publish([who = id(who), type = std::string(type), room = std::string(room),
                              content = std::string(content)](store::StreamId position) {
      return std::pair<std::string, store::Change>(
          "INSERT INTO account_data (user_id, room_id, type, content, stream_id) VALUES ('" + who +
              "','" + room + "','" + type + "','" + content + "'," + std::to_string(position) +
              ") ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, "
              "stream_id = excluded.stream_id",
          store::AccountDataChanged{
              .position = position, .user_id = who, .room_id = room, .type = type});
    });
  }
  Result<> send_to_device(std::string_view who, std::string_view device, std::string_view text) {
    return write_and_publish([who = id(who), device = std::string(device),
                              text = std::string(text)](store::StreamId position) {
      return std::pair<std::string, store::Change>(
          "INSERT INTO to_device_messages (stream_id, user_id, device_id, content) VALUES (" +
              std::to_string(position) + ",'" + who + "','" + device +
              R"(','{"type":"m.test","content":{"text":")" + text + R"("}}'))",
          store::ToDeviceAdded{.position = position, .user_id = who, .device_id = device});
    });
  }
  Result<> change_devices(std::string_view who) {
    return store.write(
        [who = id(who)](store::Transaction& t) { return service::device_list_changed(t, who); });
  }
  Result<> read_up_to(std::string_view who, std::string_view room, std::string_view event_id,
                      std::string_view type = "m.read", std::string_view thread = "") {
    return write_and_publish([who = id(who), room = nid(room), event = std::string(event_id),
                              type = std::string(type),
                              thread = std::string(thread)](store::StreamId position) {
      return std::pair<std::string, store::Change>(
          "INSERT INTO receipts (room_nid, user_id, type, thread_id, event_id, event_stream_id, "
          "ts, stream_id) SELECT " +
              std::to_string(room) + ",'" + who + "','" + type + "','" + thread + "','" + event +
              "', stream_id, 7, " + std::to_string(position) + " FROM events WHERE event_id = '" +
              event +
              "' ON CONFLICT (room_nid, user_id, type, thread_id) DO UPDATE SET event_id = "
              "excluded.event_id, event_stream_id = excluded.event_stream_id, stream_id = "
              "excluded.stream_id",
          store::ReceiptChanged{.room = room,
                                .position = position,
                                .user_id = who,
                                .type = type,
                                .event_id = event,
                                .thread_id = thread,
                                .ts = 7});
    });
  }
};

// rooms.join["!..."] of a reply.
inline json::Value joined(const json::Document& reply, std::string_view room) {
  return reply.root().get("rooms").get("join").get(room);
}
inline json::Value left(const json::Document& reply, std::string_view room) {
  return reply.root().get("rooms").get("leave").get(room);
}
// "type" or "type|state_key" of each event of a list {"events":[...]}.
inline std::vector<std::string> types_of(json::Value list) {
  std::vector<std::string> types;
  for (const json::Value event : list.get("events").array()) {
    std::string type(event.get("type").string_or(""));
    if (const auto key = event.get("state_key").as_string(); key && !key->empty()) {
      type += "|" + std::string(*key);
    }
    types.push_back(std::move(type));
  }
  return types;
}
// content.body of each event of a list {"events":[...]}.
inline std::vector<std::string> bodies_of(json::Value list) {
  std::vector<std::string> bodies;
  for (const json::Value event : list.get("events").array()) {
    bodies.emplace_back(event.get("content").get("body").string_or(""));
  }
  return bodies;
}

}  // namespace gims::test

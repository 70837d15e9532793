// An event of a room as servers exchange it: a PDU (spec: server-server API, "PDUs"; rooms/v10-v12,
// "Event format").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "json/value.hpp"
#include "matrix/room_version.hpp"

namespace gims::matrix {

// Limits of the spec (client-server API, "Size limits"; PDU schema).
inline constexpr std::size_t max_event_bytes = 65536;
inline constexpr std::size_t max_key_bytes = 255;  // type, state_key, sender, room_id, event_id
inline constexpr std::size_t max_prev_events = 20;
inline constexpr std::size_t max_auth_events = 10;

class Event;
using EventPtr = std::shared_ptr<const Event>;

// Immutable; owns its canonical bytes and their parsed form; every view it gives lives as long as
// it. Thread: any number of readers.
class Event {
 public:
  // From a PDU of any formatting, e.g. of another server: `unsigned` is dropped, the rest made
  // canonical, types and limits checked, the id computed. Says nothing of signatures, content hash
  // and authorisation. Fails with M_BAD_JSON, M_NOT_JSON or M_TOO_LARGE.
  [[nodiscard]] static Result<EventPtr> parse(const RoomVersion& version, std::string_view bytes);

  // The same of bytes that are canonical JSON without `unsigned` already, such as build_event
  // makes.
  [[nodiscard]] static Result<EventPtr> from_canonical(const RoomVersion& version,
                                                       std::string bytes);

  // From our own store: `bytes` are an Event's bytes() of before, and `event_id` its id, which is
  // not computed again. Fails (internal) where the bytes are damaged.
  [[nodiscard]] static Result<EventPtr> from_store(const RoomVersion& version,
                                                   std::string_view event_id, std::string bytes);

  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() = default;

  [[nodiscard]] const RoomVersion& version() const noexcept { return *version_; }
  [[nodiscard]] const std::string& event_id() const noexcept { return event_id_; }
  // Of a create event of version 12, too, which does not hold it.
  [[nodiscard]] std::string_view room_id() const noexcept { return room_id_; }
  [[nodiscard]] std::string_view type() const noexcept { return type_; }
  [[nodiscard]] std::string_view sender() const noexcept { return sender_; }
  [[nodiscard]] std::optional<std::string_view> state_key() const noexcept { return state_key_; }
  [[nodiscard]] bool is_state() const noexcept { return state_key_.has_value(); }
  [[nodiscard]] bool is_state(std::string_view type, std::string_view state_key) const noexcept {
    return type_ == type && state_key_ == state_key;
  }
  [[nodiscard]] json::Value content() const noexcept { return content_; }
  [[nodiscard]] std::int64_t depth() const noexcept { return depth_; }
  [[nodiscard]] Millis origin_server_ts() const noexcept { return origin_server_ts_; }
  [[nodiscard]] const std::vector<std::string_view>& prev_events() const noexcept {
    return prev_events_;
  }
  [[nodiscard]] const std::vector<std::string_view>& auth_events() const noexcept {
    return auth_events_;
  }
  // The event that an m.room.redaction redacts, wherever its version names it.
  [[nodiscard]] std::optional<std::string_view> redacts() const noexcept { return redacts_; }
  // content.membership of an m.room.member, else empty.
  [[nodiscard]] std::string_view membership() const noexcept;

  // The whole PDU.
  [[nodiscard]] json::Value json() const noexcept { return document_.root(); }
  // The PDU as canonical JSON, without `unsigned`: what is stored, hashed and, signed, sent.
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  // The part of bytes() that is the content.
  [[nodiscard]] std::string_view content_bytes() const noexcept { return content_bytes_; }

 private:
  friend struct EventAccess;
  Event(const RoomVersion& version, std::string bytes) noexcept
      : version_(&version), bytes_(std::move(bytes)) {}

  const RoomVersion* version_;
  std::string bytes_;
  json::Document document_;
  std::string event_id_;
  std::string room_id_;
  std::string_view content_bytes_;
  std::string_view type_;
  std::string_view sender_;
  std::optional<std::string_view> state_key_;
  std::optional<std::string_view> redacts_;
  json::Value content_;
  std::int64_t depth_ = 0;
  Millis origin_server_ts_ = 0;
  std::vector<std::string_view> prev_events_;
  std::vector<std::string_view> auth_events_;
};

// What a message-like event says it relates to (spec: client-server API, "Forming relationships
// between events"); both or neither. Views into the event.
struct Relation {
  std::optional<std::string_view> target;
  std::optional<std::string_view> type;
};
[[nodiscard]] Relation relation_of(const Event& event);

}  // namespace gims::matrix

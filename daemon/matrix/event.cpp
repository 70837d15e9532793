#include "matrix/event.hpp"

#include <algorithm>
#include <array>

#include "json/canonical.hpp"
#include "matrix/hashes.hpp"
#include "matrix/ids.hpp"

namespace gims::matrix {
namespace {

std::unexpected<Error> malformed(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_BAD_JSON", text);
}

std::unexpected<Error> too_long(std::string_view key) {
  return fail(ErrorKind::too_large, "M_TOO_LARGE",
              "The event's " + std::string(key) + " is longer than 255 bytes.");
}

// The place after the string that begins at `text[at]`, in valid JSON.
std::size_t after_string(std::string_view text, std::size_t at) {
  for (std::size_t quote = at + 1; (quote = text.find('"', quote)) != text.npos; ++quote) {
    std::size_t backslash = quote;
    while (text[backslash - 1] == '\\') --backslash;
    if ((quote - backslash) % 2 == 0) return quote + 1;
  }
  return text.size();
}

// The end of the JSON value at the start of `text`, which is minified and valid.
std::size_t value_length(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        i = after_string(text, i) - 1;
        if (depth == 0) return i + 1;
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return i;
        if (--depth == 0) return i + 1;
        break;
      case ',':
      case ':':
        if (depth == 0) return i;
        break;
      default:
        break;
    }
  }
  return text.size();
}

// The text of a member of the top level of a minified object; empty where it is not there.
std::string_view member_text(std::string_view object, std::string_view quoted_key) {
  object.remove_prefix(1);
  while (!object.empty() && object.front() == '"') {
    const std::size_t key = value_length(object);
    const std::string_view rest = object.substr(key + 1);
    const std::size_t value = value_length(rest);
    if (object.substr(0, key) == quoted_key) return rest.substr(0, value);
    object = rest.substr(std::min(value + 1, rest.size()));
  }
  return {};
}

constexpr json::Limits pdu_limits{.max_bytes = max_event_bytes};

}  // namespace

// Fills an Event; the one friend of the class.
struct EventAccess {
  static std::shared_ptr<Event> make(const RoomVersion& version, std::string bytes) {
    struct Public : Event {
      Public(const RoomVersion& v, std::string b) noexcept : Event(v, std::move(b)) {}
    };
    return std::make_shared<Public>(version, std::move(bytes));
  }

  // Parses the canonical bytes and reads every member; the id comes after.
  static Result<void> read(Event& event) {
    GIMS_TRY_ASSIGN(event.document_, json::Document::parse(event.bytes_, pdu_limits));
    const json::Value pdu = event.document_.root();
    if (!pdu.is_object()) return malformed("An event must be a JSON object.");
    GIMS_TRY(read_key(pdu, "type", event.type_));
    GIMS_TRY(read_key(pdu, "sender", event.sender_));
    if (!is_user_id(event.sender_)) return malformed("The event's sender is no user id.");
    if (const json::Value key = pdu.get("state_key")) {
      std::string_view text;
      GIMS_TRY(read_key(pdu, "state_key", text));
      event.state_key_ = text;
    }
    event.content_ = pdu.get("content");
    if (!event.content_.is_object()) return malformed("The event's content must be an object.");
    event.content_bytes_ = member_text(event.bytes_, "\"content\"");
    GIMS_TRY(read_numbers(event, pdu));
    GIMS_TRY(read_ids(pdu, "prev_events", max_prev_events, event.prev_events_));
    GIMS_TRY(read_ids(pdu, "auth_events", max_auth_events, event.auth_events_));
    if (event.type_ == "m.room.redaction") {
      const json::Value holder = event.version_->redacts_in_content ? event.content_ : pdu;
      event.redacts_ = holder.get("redacts").as_string();
    }
    return {};
  }

  static Result<void> name(Event& event, std::string event_id) {
    event.event_id_ = std::move(event_id);
    const json::Value in_pdu = event.document_.root().get("room_id");
    const bool implied = event.version_->room_id_is_create_hash && event.type_ == "m.room.create";
    if (implied && !in_pdu) {
      event.room_id_ = "!" + event.event_id_.substr(1);
      return {};
    }
    std::string_view room_id;
    GIMS_TRY(read_key(event.document_.root(), "room_id", room_id));
    if (!is_room_id(room_id)) return malformed("The event's room_id is no room id.");
    event.room_id_ = room_id;
    return {};
  }

 private:
  static Result<void> read_key(json::Value pdu, std::string_view key, std::string_view& out) {
    const auto text = pdu.get(key).as_string();
    if (!text) return malformed("The event's " + std::string(key) + " must be a string.");
    if (text->size() > max_key_bytes) return too_long(key);
    out = *text;
    return {};
  }

  static Result<void> read_numbers(Event& event, json::Value pdu) {
    const auto depth = pdu.get("depth").as_int();
    const auto time = pdu.get("origin_server_ts").as_int();
    if (!depth || *depth < 0) return malformed("The event's depth must be a natural number.");
    if (!time) return malformed("The event's origin_server_ts must be an integer.");
    event.depth_ = *depth;
    event.origin_server_ts_ = *time;
    return {};
  }

  static Result<void> read_ids(json::Value pdu, std::string_view key, std::size_t limit,
                               std::vector<std::string_view>& out) {
    const json::Value list = pdu.get(key);
    if (!list.is_array() || list.size() > limit) {
      return malformed("The event's " + std::string(key) + " must be an array of at most " +
                       std::to_string(limit) + " event ids.");
    }
    out.reserve(list.size());
    for (const json::Value element : list.array()) {
      const auto id = element.as_string();
      if (!id || !is_event_id(*id)) {
        return malformed("The event's " + std::string(key) + " holds what is no event id.");
      }
      out.push_back(*id);
    }
    return {};
  }
};

Result<EventPtr> Event::parse(const RoomVersion& version, std::string_view bytes) {
  constexpr std::array<std::string_view, 1> dropped{"unsigned"};
  // White space and `unsigned` do not count towards the limit of the event itself.
  GIMS_TRY_ASSIGN(const json::Document raw,
                  json::Document::parse(bytes, {.max_bytes = 4 * max_event_bytes}));
  if (!raw.root().is_object()) return malformed("An event must be a JSON object.");
  GIMS_TRY_ASSIGN(std::string canonical, json::canonical_without(raw.root(), dropped));
  return from_canonical(version, std::move(canonical));
}

Result<EventPtr> Event::from_canonical(const RoomVersion& version, std::string bytes) {
  if (bytes.size() > max_event_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE", "The event is larger than 65536 bytes.");
  }
  std::shared_ptr<Event> event = EventAccess::make(version, std::move(bytes));
  GIMS_TRY(EventAccess::read(*event));
  GIMS_TRY_ASSIGN(std::string id, event_id_of(version, event->json()));
  GIMS_TRY(EventAccess::name(*event, std::move(id)));
  return event;
}

Result<EventPtr> Event::from_store(const RoomVersion& version, std::string_view event_id,
                                   std::string bytes) {
  std::shared_ptr<Event> event = EventAccess::make(version, std::move(bytes));
  auto read = EventAccess::read(*event);
  if (read) read = EventAccess::name(*event, std::string(event_id));
  if (!read) {
    return fail(ErrorKind::internal, "M_UNKNOWN", "A stored event is damaged.",
                std::string(event_id) + ": " + read.error().text);
  }
  return event;
}

std::string_view Event::membership() const noexcept {
  return type_ == "m.room.member" ? content_.get("membership").string_or("") : std::string_view();
}

Relation relation_of(const Event& event) {
  const json::Value relates_to = event.content().get("m.relates_to");
  const auto target = relates_to.get("event_id").as_string();
  const auto type = relates_to.get("rel_type").as_string();
  if (event.is_state() || !target || !type) return {};
  return {.target = target, .type = type};
}

}  // namespace gims::matrix

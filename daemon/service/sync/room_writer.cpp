// How the section of a room is written.
#include "json/writer.hpp"
#include "service/sync/room_section.hpp"

namespace gims::service::sync {
namespace {

// An event's shared bytes, and after them what is this reader's own. `membership` may be empty.
Result<> write_event(Body& body, Reads& reads, const Item& item, const SyncRequest& request,
                     std::string_view membership) {
  if (request.filter->federation_format) {
    body.json().raw(item.event()->bytes());
    return {};
  }
  GIMS_TRY_ASSIGN(const ItemBytes bytes, item.bytes(reads));
  const std::string_view transaction = item.transaction_id(request.user_id, request.device_id);
  body.json().raw({});
  body.share(bytes.head);
  std::string own = bytes.extra;
  const auto add = [&own](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!own.empty()) own.push_back(',');
    own.append("\"").append(name).append("\":");
    json::append_quoted(own, value);
  };
  add("membership", membership);
  add("transaction_id", transaction);
  if (!own.empty()) {
    body.append(",\"unsigned\":{");
    body.append(own);
    body.append("}");
  }
  body.append("}");
  return {};
}

void write_events(json::Writer& out, std::string_view name,
                  const std::vector<std::string>& events) {
  if (events.empty()) return;
  out.key(name).begin_object().key("events").begin_array();
  for (const std::string& event : events) out.raw(event);
  out.end_array().end_object();
}

void write_count(json::Writer& out, const UnreadCount& count) {
  out.begin_object()
      .member("highlight_count", count.highlight)
      .member("notification_count", count.notify)
      .end_object();
}

void write_unread(json::Writer& out, const Unread& unread, bool by_thread) {
  UnreadCount main = unread.main;
  if (!by_thread) {
    for (const auto& [root, count] : unread.threads) {
      main.notify += count.notify;
      main.highlight += count.highlight;
    }
  }
  out.key("unread_notifications");
  write_count(out, main);
  if (!by_thread || unread.threads.empty()) return;
  out.key("unread_thread_notifications").begin_object();
  for (const auto& [root, count] : unread.threads) {
    out.key(root);
    write_count(out, count);
  }
  out.end_object();
}

}  // namespace

Result<> RoomSections::write_section(Body& body, const RoomSection& section, Membership kind) {
  json::Writer& out = body.json();
  out.key(section.room_id).begin_object();
  if (kind == Membership::invite || kind == Membership::knock) {
    out.key(kind == Membership::invite ? "invite_state" : "knock_state");
    out.begin_object().key("events").begin_array();
    for (const std::string& event : section.stripped) out.raw(event);
    out.end_array().end_object().end_object();
    return {};
  }
  out.key("timeline").begin_object().key("events").begin_array();
  for (std::size_t i = 0; i < section.timeline.size(); ++i) {
    GIMS_TRY(write_event(body, reads_, *section.timeline[i], request_, section.memberships[i]));
  }
  out.end_array();
  out.member("limited", section.limited);
  out.member("prev_batch", format_place(section.prev_batch));
  out.end_object();
  if (!section.state.empty() || request_.use_state_after) {
    out.key(request_.use_state_after ? "state_after" : "state");
    out.begin_object().key("events").begin_array();
    for (const ItemPtr& item : section.state) {
      GIMS_TRY(write_event(body, reads_, *item, request_, {}));
    }
    out.end_array().end_object();
  }
  write_events(out, "ephemeral", section.ephemeral);
  write_events(out, "account_data", section.account_data);
  if (!section.summary.empty()) out.raw_member("summary", section.summary);
  if (section.unread) {
    write_unread(out, *section.unread, request_.filter->timeline.unread_thread_notifications);
  }
  out.end_object();
  return {};
}

}  // namespace gims::service::sync

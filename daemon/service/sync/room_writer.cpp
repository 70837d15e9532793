// How the section of a room is written.
#include "json/writer.hpp"
#include "service/sync/room_section.hpp"

namespace gims::service::sync {
namespace {

void write_events(json::Writer& out, std::string_view name,
                  const std::vector<std::string>& events) {
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

// An event's shared bytes, and after them what is this reader's own.
Result<> RoomSections::write_event(Body& body, const Item& item, const RoomSection& section,
                                   bool in_timeline) {
  const matrix::Event& event = *item.event();
  if (request_.filter->federation_format) {
    body.json().raw(event.bytes());
    return {};
  }
  GIMS_TRY_ASSIGN(const ItemBytes bytes, item.bytes(reads_));
  body.json().raw({});
  body.share(bytes.head);
  std::string own;
  const auto add = [&own](std::string_view members) {
    if (members.empty()) return;
    if (!own.empty()) own.push_back(',');
    own.append(members);
  };
  const auto add_text = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    add("\"");
    own.append(name).append("\":");
    json::append_quoted(own, value);
  };
  // What was before may lie in a time that the user must not see.
  if (!section.visibility || sees(*section.visibility, event, bytes.replaced_position)) {
    add(bytes.replaced);
  }
  add(bytes.extra);
  if (in_timeline) {
    add_text("membership", section.visibility ? section.visibility->membership_at(item.position())
                                              : std::string_view("join"));
  }
  add_text("transaction_id", item.transaction_id(request_.user_id, request_.device_id));
  if (const auto found = section.relations.find(item.position());
      found != section.relations.end()) {
    add(found->second);
  }
  if (!own.empty()) {
    body.append(",\"unsigned\":{");
    body.append(own);
    body.append("}");
  }
  body.append("}");
  return {};
}

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
  for (const ItemPtr& item : section.timeline) GIMS_TRY(write_event(body, *item, section, true));
  out.end_array();
  out.member("limited", section.limited);
  out.member("prev_batch", format_place(section.prev_batch));
  out.end_object();
  // Each part is there where it is empty, too: clients look into it unasked.
  out.key(!request_.use_state_after       ? "state"
          : request_.unstable_state_after ? "org.matrix.msc4222.state_after"
                                          : "state_after");
  out.begin_object().key("events").begin_array();
  for (const ItemPtr& item : section.state) GIMS_TRY(write_event(body, *item, section, false));
  out.end_array().end_object();
  if (kind == Membership::join) write_events(out, "ephemeral", section.ephemeral);
  write_events(out, "account_data", section.account_data);
  if (!section.summary.empty()) out.raw_member("summary", section.summary);
  if (section.unread) {
    write_unread(out, *section.unread, request_.filter->timeline.unread_thread_notifications);
  }
  out.end_object();
  return {};
}

}  // namespace gims::service::sync

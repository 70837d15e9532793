#include "service/push/notification.hpp"

#include <algorithm>

#include "json/writer.hpp"

namespace gims::service::push {
namespace {

void write_tweaks(json::Writer& out, const Unsent& unsent) {
  if (!unsent.highlight && unsent.sound.empty()) return;
  out.key("tweaks").begin_object();
  if (!unsent.sound.empty()) out.member("sound", unsent.sound);
  if (unsent.highlight) out.member("highlight", true);
  out.end_object();
}

void write_event(json::Writer& out, const Pusher& pusher, const Unsent& unsent) {
  const Told& event = *unsent.event;
  out.member("event_id", event.event_id).member("room_id", event.room_id);
  if (pusher.id_only) return;
  out.member("type", event.type).member("sender", event.sender);
  if (unsent.user_is_target) out.member("user_is_target", true);
  out.member("prio", unsent.high ? "high" : "low");
}

}  // namespace

std::string notification(const Pusher& pusher, const Unsent* unsent, std::int64_t unread) {
  json::Writer out;
  out.begin_object().key("notification").begin_object();
  if (unsent != nullptr) write_event(out, pusher, *unsent);
  // A count of zero should be left out, says the spec; alone it must not be: clients clear their
  // badge by it, and an object without it says nothing to them.
  out.key("counts").begin_object();
  if (unread > 0 || unsent == nullptr) out.member("unread", unread);
  out.end_object();
  out.key("devices").begin_array().begin_object();
  out.member("app_id", pusher.app_id).member("pushkey", pusher.push_key);
  out.raw_member("data", pusher.data);
  if (unsent != nullptr && !pusher.id_only) write_tweaks(out, *unsent);
  out.end_object().end_array().end_object().end_object();
  return out.take();
}

Result<bool> is_rejected(std::string_view answer, std::string_view push_key) {
  const auto document = json::Document::parse(answer, {.max_bytes = answer.size()});
  const json::Value rejected = document ? document->root().get("rejected") : json::Value();
  if (!rejected.is_array()) {
    return fail(ErrorKind::unavailable, "PUSH_ANSWER", "The push service's answer is not one.");
  }
  return std::ranges::any_of(rejected.array(),
                             [&](json::Value key) { return key.as_string() == push_key; });
}

}  // namespace gims::service::push

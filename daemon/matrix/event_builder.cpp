#include "matrix/event_builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.hpp"
#include "crypto/bytes.hpp"
#include "crypto/hash.hpp"
#include "json/canonical.hpp"
#include "json/edit.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "matrix/hashes.hpp"
#include "matrix/ids.hpp"

namespace gims::matrix {
namespace {

// What a signature of ours may add: {"<server>":{"ed25519:<name of the key>":"<86 characters>"}},
constexpr std::size_t signature_bytes = 192;

Result<void> check_length(std::string_view key, std::string_view value) {
  if (value.size() <= max_key_bytes) return {};
  return fail(ErrorKind::too_large, "M_TOO_LARGE",
              "The event's " + std::string(key) + " is longer than 255 bytes.");
}

Result<void> check_lengths(const Draft& draft) {
  GIMS_TRY(check_length("room_id", draft.room_id));
  GIMS_TRY(check_length("sender", draft.sender));
  GIMS_TRY(check_length("state_key", draft.state_key.value_or("")));
  GIMS_TRY(check_length("type", draft.type));
  if (!is_utf8(draft.type) || !is_utf8(draft.state_key.value_or(""))) {
    return fail(ErrorKind::bad_input, "M_BAD_JSON",
                "The event's type and state_key must be UTF-8.");
  }
  return {};
}

Result<std::string> content_of(const RoomVersion& version, const Draft& draft) {
  GIMS_TRY_ASSIGN(const json::Document document,
                  json::Document::parse(draft.content, {.max_bytes = 4 * max_event_bytes}));
  if (!document.root().is_object()) {
    return fail(ErrorKind::bad_input, "M_BAD_JSON", "The event's content must be an object.");
  }
  if (draft.redacts && version.redacts_in_content) {
    const std::string merged =
        json::with_member(document.root(), "redacts", json::quoted(*draft.redacts));
    GIMS_TRY_ASSIGN(const json::Document again, json::Document::parse(merged));
    return json::canonical(again.root());
  }
  return json::canonical(document.root());
}

void write_ids(json::Writer& out, std::string_view key, std::span<const std::string> ids) {
  out.key(key).begin_array();
  for (const std::string& id : ids) out.value(id);
  out.end_array();
}

// The PDU with its members in canonical order; `hashes` only where it is given.
std::string assemble(const RoomVersion& version, const Draft& draft, std::string_view content,
                     std::string_view sha256) {
  std::string text;
  text.reserve(content.size() + 1024);
  json::Writer out(text);
  out.begin_object();
  write_ids(out, "auth_events", draft.auth_events);
  out.raw_member("content", content);
  out.member("depth", draft.depth);
  if (!sha256.empty()) out.key("hashes").begin_object().member("sha256", sha256).end_object();
  out.member("origin_server_ts", draft.origin_server_ts);
  write_ids(out, "prev_events", draft.prev_events);
  if (draft.redacts && !version.redacts_in_content) out.member("redacts", *draft.redacts);
  if (!draft.room_id.empty()) out.member("room_id", draft.room_id);
  out.member("sender", draft.sender);
  if (draft.state_key) out.member("state_key", *draft.state_key);
  out.member("type", draft.type);
  out.end_object();
  return text;
}

}  // namespace

Result<EventPtr> build_event(const RoomVersion& version, const Draft& draft) {
  GIMS_TRY(check_lengths(draft));
  GIMS_TRY_ASSIGN(const std::string content, content_of(version, draft));
  const std::string covered = assemble(version, draft, content, {});
  const std::string hash = crypto::base64(crypto::sha256(crypto::as_bytes(covered)));
  std::string pdu = assemble(version, draft, content, hash);
  if (pdu.size() + signature_bytes + domain_of(draft.sender).size() > max_event_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE",
                "The event is too large: with its signature it must not pass 65536 bytes.");
  }
  return Event::from_canonical(version, std::move(pdu));
}

}  // namespace gims::matrix

#include "service/rooms/encryption_rule.hpp"

#include <algorithm>
#include <array>

namespace gims::service::rooms {
namespace {

// Keys, commitments and MACs of one step are some hundred bytes.
constexpr std::size_t largest_verification = 4096;

constexpr std::array<std::string_view, 7> verification_steps{
    "m.key.verification.ready", "m.key.verification.start", "m.key.verification.accept",
    "m.key.verification.key",   "m.key.verification.mac",   "m.key.verification.cancel",
    "m.key.verification.done"};

// The members of a request (spec: "Key verification framework"); `body` is the sentence for clients
// that do not know it.
constexpr std::array<std::string_view, 8> request_members{
    "body", "format", "formatted_body", "from_device", "methods", "msgtype", "timestamp", "to"};

bool is_verification_request(std::string_view content) {
  auto document = json::Document::parse(content);
  if (!document) return false;
  const json::Value root = document->root();
  if (root.get("msgtype").string_or("") != "m.key.verification.request") return false;
  return std::ranges::all_of(root.object(), [](const json::Member& member) {
    return std::ranges::contains(request_members, member.key);
  });
}

bool is_verification(std::string_view type, std::string_view content) {
  if (content.size() > largest_verification) return false;
  if (type == "m.room.message") return is_verification_request(content);
  return std::ranges::contains(verification_steps, type);
}

}  // namespace

Result<> check_message(std::string_view type, std::string_view content) {
  if (type == "m.room.encrypted" || type == "m.reaction" || type == "m.room.redaction") return {};
  if (is_verification(type, content)) return {};
  return fail(ErrorKind::forbidden, "M_FORBIDDEN",
              "Messages in this room must be encrypted. Turn on encryption in your client.");
}

Result<> check_initial_encryption(json::Value content) {
  if (content.get("algorithm").as_string() == megolm) return {};
  return fail(ErrorKind::bad_input, "M_INVALID_ROOM_STATE",
              "Rooms on this server are encrypted with m.megolm.v1.aes-sha2.");
}

std::unexpected<Error> encryption_is_fixed() {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN",
              "The encryption of a room is set at its creation and cannot be changed.");
}

}  // namespace gims::service::rooms

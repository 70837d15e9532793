#include "service/rooms/encryption_rule.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "matrix/ids.hpp"

namespace gims::service::rooms {
namespace {

// Of a whole step: nothing longer is even parsed.
constexpr std::size_t largest_verification = 4096;
// The sentence for people whose client does not know verification, and the reason for an end.
constexpr std::size_t longest_body = 1024;
constexpr std::size_t longest_reason = 255;
// Names of methods and codes ("curve25519-hkdf-sha256"); keys and MACs, 32 bytes each today.
constexpr std::size_t longest_token = 64;
constexpr std::size_t longest_base64 = 88;
constexpr std::size_t most_entries = 16;

bool is_made_of(std::string_view text, std::size_t longest, bool (*allowed)(char)) {
  return !text.empty() && text.size() <= longest && std::ranges::all_of(text, allowed);
}
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_token(std::string_view text) {
  return is_made_of(text, longest_token, [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}
bool is_base64(std::string_view text) {
  return is_made_of(text, longest_base64, [](char c) {
    return is_letter_or_digit(c) || c == '+' || c == '/' || c == '=';
  });
}

bool is_short(json::Value value, std::size_t longest) {
  const auto text = value.as_string();
  return text && text->size() <= longest;
}

bool holds_tokens(json::Value value) {
  return value.is_array() && value.size() <= most_entries &&
         std::ranges::all_of(value.array(),
                             [](json::Value one) { return is_token(one.string_or("")); });
}

// MACs by the id of the key: of the sender's device, or of a key named by itself.
bool holds_macs(const Actor& sender, json::Value value) {
  return value.is_object() && value.size() <= most_entries &&
         std::ranges::all_of(value.object(), [&](const json::Member& mac) {
           const auto key = matrix::parse_key_id(mac.key);
           return key && key->algorithm == "ed25519" &&
                  (key->name == sender.device_id || is_base64(key->name)) &&
                  is_base64(mac.value.string_or(""));
         });
}

bool is_reference(json::Value value) {
  return value.size() == 2 && value.get("rel_type").as_string() == "m.reference" &&
         matrix::is_event_id(value.get("event_id").string_or(""));
}

// What a member of a step holds.
enum class Holds : std::uint8_t {
  token,
  tokens,
  base64,
  macs,
  reason,
  body,
  own_device,
  user,
  reference,
  html,
  request
};

bool holds(const Actor& sender, Holds what, json::Value value) {
  switch (what) {
    case Holds::token:
      return is_token(value.string_or(""));
    case Holds::tokens:
      return holds_tokens(value);
    case Holds::base64:
      return is_base64(value.string_or(""));
    case Holds::macs:
      return holds_macs(sender, value);
    case Holds::reason:
      return is_short(value, longest_reason);
    case Holds::body:
      return is_short(value, longest_body);
    case Holds::own_device:
      return value.as_string() == sender.device_id;
    case Holds::user:
      return matrix::is_user_id(value.string_or("")) && value.as_string() != sender.user_id;
    case Holds::reference:
      return is_reference(value);
    case Holds::html:
      return value.as_string() == "org.matrix.custom.html";
    case Holds::request:
      return value.as_string() == verification_request;
  }
  return false;
}

struct MemberOfStep {
  std::string_view name;
  Holds holds;
  bool required = true;
};

// Spec: client-server API, "Key verification framework", "Short Authentication String
// verification", "QR codes". What a step has in a room; transaction_id is of to-device messages.
constexpr MemberOfStep relation{"m.relates_to", Holds::reference};
constexpr std::array request_members{
    MemberOfStep{"msgtype", Holds::request},           MemberOfStep{"to", Holds::user},
    MemberOfStep{"from_device", Holds::own_device},    MemberOfStep{"methods", Holds::tokens},
    MemberOfStep{"body", Holds::body, false},          MemberOfStep{"format", Holds::html, false},
    MemberOfStep{"formatted_body", Holds::body, false}};
constexpr std::array ready_members{relation, MemberOfStep{"from_device", Holds::own_device},
                                   MemberOfStep{"methods", Holds::tokens}};
constexpr std::array start_members{
    relation,
    MemberOfStep{"from_device", Holds::own_device},
    MemberOfStep{"method", Holds::token},
    MemberOfStep{"next_method", Holds::token, false},
    MemberOfStep{"key_agreement_protocols", Holds::tokens, false},
    MemberOfStep{"hashes", Holds::tokens, false},
    MemberOfStep{"message_authentication_codes", Holds::tokens, false},
    MemberOfStep{"short_authentication_string", Holds::tokens, false},
    MemberOfStep{"secret", Holds::base64, false}};
constexpr std::array accept_members{relation,
                                    MemberOfStep{"method", Holds::token, false},
                                    MemberOfStep{"key_agreement_protocol", Holds::token},
                                    MemberOfStep{"hash", Holds::token},
                                    MemberOfStep{"message_authentication_code", Holds::token},
                                    MemberOfStep{"short_authentication_string", Holds::tokens},
                                    MemberOfStep{"commitment", Holds::base64}};
constexpr std::array key_members{relation, MemberOfStep{"key", Holds::base64}};
constexpr std::array mac_members{relation, MemberOfStep{"mac", Holds::macs},
                                 MemberOfStep{"keys", Holds::base64}};
constexpr std::array cancel_members{relation, MemberOfStep{"code", Holds::token},
                                    MemberOfStep{"reason", Holds::reason}};
constexpr std::array done_members{relation};

std::span<const MemberOfStep> members_of(std::string_view type) {
  if (type == "m.room.message") return request_members;
  if (type == "m.key.verification.ready") return ready_members;
  if (type == "m.key.verification.start") return start_members;
  if (type == "m.key.verification.accept") return accept_members;
  if (type == "m.key.verification.key") return key_members;
  if (type == "m.key.verification.mac") return mac_members;
  if (type == "m.key.verification.cancel") return cancel_members;
  if (type == "m.key.verification.done") return done_members;
  return {};
}

bool has_form(const Actor& sender, std::span<const MemberOfStep> members, json::Value content) {
  for (const auto& [key, value] : content.object()) {
    const auto known = std::ranges::find(members, key, &MemberOfStep::name);
    if (known == members.end() || !holds(sender, known->holds, value)) return false;
  }
  return std::ranges::all_of(members, [&](const MemberOfStep& member) {
    return !member.required || content.get(member.name).valid();
  });
}

}  // namespace

std::unexpected<Error> must_be_encrypted() {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN",
              "Messages in this room must be encrypted. Turn on encryption in your client.");
}

Result<Conditions> check_message(const Actor& sender, std::string_view type,
                                 std::string_view content) {
  if (type == "m.room.encrypted" || type == "m.reaction" || type == "m.room.redaction") {
    return Conditions();
  }
  const auto members = members_of(type);
  if (members.empty() || content.size() > largest_verification) return must_be_encrypted();
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(content));
  const json::Value root = document.root();
  if (!has_form(sender, members, root)) return must_be_encrypted();
  return Conditions{.to = std::string(root.get("to").string_or("")),
                    .answers = std::string(root.get("m.relates_to").get("event_id").string_or(""))};
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

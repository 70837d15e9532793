#include "service/rooms/encryption_rule.hpp"

namespace gims::service::rooms {

Result<> check_message_type(std::string_view type) {
  if (type == "m.room.encrypted" || type == "m.reaction" || type == "m.room.redaction") return {};
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

// The redaction algorithm (spec: rooms/v10 and v11, "Redactions").
#pragma once

#include <string>

#include "base/result.hpp"
#include "json/value.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"

namespace gims::matrix {

// The PDU with all stripped that redaction strips, as canonical JSON; hashes and signatures stay.
// Fails with M_BAD_JSON where the rest is not canonical JSON.
[[nodiscard]] Result<std::string> redacted_pdu(const RoomVersion& version, json::Value pdu);

// The same without one more member of the top level.
[[nodiscard]] Result<std::string> redacted_pdu_without(const RoomVersion& version, json::Value pdu,
                                                       std::string_view left_out);

// The same of an Event; its id stays what it was.
[[nodiscard]] Result<EventPtr> redacted(const Event& event);

// The content that redaction leaves to an event of this type, as canonical JSON.
[[nodiscard]] Result<std::string> redacted_content(const RoomVersion& version,
                                                   std::string_view type, json::Value content);

}  // namespace gims::matrix

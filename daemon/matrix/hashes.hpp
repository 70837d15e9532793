// Hashes of events and what is signed of them (spec: server-server API, "Signing Events").
#pragma once

#include <string>

#include "base/result.hpp"
#include "json/value.hpp"
#include "matrix/room_version.hpp"

namespace gims::matrix {

// SHA-256 over the PDU without unsigned, signatures and hashes, in unpadded Base64: hashes.sha256.
[[nodiscard]] Result<std::string> content_hash(json::Value pdu);
// Whether hashes.sha256 is that. A PDU of another server that fails here counts only as redacted.
[[nodiscard]] bool content_hash_fits(json::Value pdu);

// '$' and the reference hash: SHA-256 over the redacted PDU without signatures, in URL-safe Base64.
[[nodiscard]] Result<std::string> event_id_of(const RoomVersion& version, json::Value pdu);

// The bytes a server signs: the redacted PDU without signatures and unsigned.
[[nodiscard]] Result<std::string> bytes_to_sign(const RoomVersion& version, json::Value pdu);

}  // namespace gims::matrix

#include "matrix/hashes.hpp"

#include <array>

#include "crypto/bytes.hpp"
#include "crypto/hash.hpp"
#include "json/canonical.hpp"
#include "matrix/redact.hpp"

namespace gims::matrix {

Result<std::string> content_hash(json::Value pdu) {
  constexpr std::array<std::string_view, 3> not_covered{"hashes", "signatures", "unsigned"};
  GIMS_TRY_ASSIGN(const std::string covered, json::canonical_without(pdu, not_covered));
  return crypto::base64(crypto::sha256(crypto::as_bytes(covered)));
}

bool content_hash_fits(json::Value pdu) {
  const auto stated = pdu.get("hashes").get("sha256").as_string();
  const auto computed = content_hash(pdu);
  return stated && computed && *stated == *computed;
}

Result<std::string> bytes_to_sign(const RoomVersion& version, json::Value pdu) {
  return redacted_pdu_without(version, pdu, "signatures");
}

Result<std::string> event_id_of(const RoomVersion& version, json::Value pdu) {
  GIMS_TRY_ASSIGN(const std::string covered, bytes_to_sign(version, pdu));
  return "$" +
         crypto::base64(crypto::sha256(crypto::as_bytes(covered)), crypto::Alphabet::url_safe);
}

}  // namespace gims::matrix

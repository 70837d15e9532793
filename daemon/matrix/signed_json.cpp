#include "matrix/signed_json.hpp"

#include <array>

#include "crypto/bytes.hpp"
#include "json/canonical.hpp"

namespace gims::matrix {

Result<std::string> signed_part(json::Value object) {
  constexpr std::array<std::string_view, 2> not_covered{"signatures", "unsigned"};
  if (!object.is_object()) {
    return fail(ErrorKind::bad_input, "M_BAD_JSON", "Only an object can be signed.");
  }
  return json::canonical_without(object, not_covered);
}

bool verify_signed_json(json::Value object, std::string_view entity, std::string_view key_id,
                        const crypto::PublicKey& key) {
  if (!key_id.starts_with("ed25519:")) return false;
  const auto text = object.get("signatures").get(entity).get(key_id).as_string();
  if (!text) return false;
  const auto signature =
      crypto::from_base64(*text, crypto::Alphabet::standard, crypto::Leftover::ignored);
  if (!signature) return false;
  const auto covered = signed_part(object);
  return covered && crypto::verify(key, crypto::as_bytes(*covered), *signature);
}

}  // namespace gims::matrix

// Signed JSON (spec: appendices, "Signing JSON").
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "crypto/ed25519.hpp"
#include "json/value.hpp"

namespace gims::matrix {

// Whether signatures[entity][key_id] of the object is a signature by `key` over its canonical JSON
// without `signatures` and `unsigned`. False for anything malformed.
[[nodiscard]] bool verify_signed_json(json::Value object, std::string_view entity,
                                      std::string_view key_id, const crypto::PublicKey& key);

// The bytes such a signature covers.
[[nodiscard]] Result<std::string> signed_part(json::Value object);

}  // namespace gims::matrix

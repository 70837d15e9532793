#include "service/console/keys.hpp"

#include "crypto/hash.hpp"

namespace gims::service::console {

Result<Keys> Keys::derive(const SecretBytes& token_hash, const SecretBytes& data) {
  Keys keys;
  GIMS_TRY_ASSIGN(keys.sessions, crypto::derive_key(token_hash, "console sessions"));
  GIMS_TRY_ASSIGN(keys.steps, crypto::derive_key(token_hash, "console steps"));
  GIMS_TRY_ASSIGN(keys.means, crypto::derive_key(data, "console means"));
  return keys;
}

}  // namespace gims::service::console

#include "service/accounts/tokens.hpp"

#include "crypto/hash.hpp"
#include "crypto/random.hpp"

namespace gims::service {

Redacted Tokens::make_access_token() { return crypto::random_token("gims_at_"); }

Redacted Tokens::make_refresh_token() { return crypto::random_token("gims_rt_"); }

TokenHash Tokens::hash(std::string_view token) const noexcept {
  return crypto::keyed_hash(key_, crypto::as_bytes(token));
}

}  // namespace gims::service

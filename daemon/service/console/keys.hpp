// The console's keys, each for one use.
#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::service::console {

struct Keys {
  SecretBytes sessions;  // cookies, and the tokens of changes
  SecretBytes steps;
  SecretBytes means;  // secrets of codes, and invitations

  // Of the site's keys for token hashes and for data.
  [[nodiscard]] static Result<Keys> derive(const SecretBytes& token_hash, const SecretBytes& data);
};

}  // namespace gims::service::console

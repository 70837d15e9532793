// The vault that is a token of a PKCS#11 module. It runs in gims-pkcs11d; gims-keyd asks it through
// remote_vault.hpp.
#pragma once

#include <memory>
#include <optional>

#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/session.hpp"

namespace gims::hsm::pkcs11 {

struct TokenOptions {
  TokenName token;
  SecretBytes pin;
  // Nothing: what choose_wrapping() says. Counts for new blobs alone; a blob names its own.
  std::optional<Wrapping> wrapping;
};

// Does not touch the module yet. The module outlives the vault, is used by it alone, and is
// finalised when the vault goes. Calls block for as long as the module does.
//
// A token holds the keys of one unit: what bears the labels of objects.hpp is that unit's.
[[nodiscard]] std::unique_ptr<Vault> make_token_vault(Module& module, TokenOptions options);

}  // namespace gims::hsm::pkcs11

// Bytes for a person to read.
#pragma once

#include <string>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

// Lower case, two digits a byte. Not for secrets.
[[nodiscard]] std::string hex(BytesView bytes);
// The same of a secret, in locked memory.
[[nodiscard]] Result<SecretBytes> hex_of_secret(const SecretBytes& secret);
// "0A:1B", as people compare it.
[[nodiscard]] std::string fingerprint(BytesView bytes);

}  // namespace gims::hsm

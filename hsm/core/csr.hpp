// Certificate signing requests (PKCS #10, RFC 2986), as devices make them.
#pragma once

#include "hsm/core/vault.hpp"

namespace gims::hsm {

inline constexpr std::size_t max_request = 4096;

// The key of a request, after its holder proved that the private half is theirs (ecdsa-with-SHA256
// over the request). Whatever else the request asks for, names and extensions, is not looked at: what
// a certificate says is the site's to decide. `der` is a stranger's. Fails (bad_input,
// GIMS_KEYD_REQUEST) with what is wanted.
[[nodiscard]] Result<P256Point> key_of_request(BytesView der);

}  // namespace gims::hsm

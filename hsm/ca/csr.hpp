// Certificate signing requests (PKCS #10, RFC 2986), as devices make them.
#pragma once

#include "hsm/ca/p256.hpp"
#include "hsm/proto/device_messages.hpp"

namespace gims::hsm {

// The key of a request, after its holder proved that the private half is theirs (ecdsa-with-SHA256
// over the request). Whatever else the request asks for, names and extensions, is not looked at:
// what a certificate says is the site's to decide. `der` is a stranger's. Fails (bad_input,
// GIMS_KEYD_REQUEST) with what is wanted.
[[nodiscard]] Result<P256Point> key_of_request(BytesView der);
// The DER of a file that holds a request, as PEM (RFC 7468) or as it is. Fails likewise; what DER
// it is, is not looked at.
[[nodiscard]] Result<Bytes> request_in(BytesView file);

}  // namespace gims::hsm

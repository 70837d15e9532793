// Whether a service's certificate, with its key, goes on being used.
#pragma once

#include <cstdint>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

// Of two files (PEM): the certificate with the CA that signed it, and its key. False where they are
// not each other's, the certificate is not of `issuing_ca` (DER), or half of its life is over: who
// uses it is interrupted by a new one, so there is none before. `now`: seconds since 1970 UTC.
[[nodiscard]] bool stays(BytesView chain, BytesView key, BytesView issuing_ca, std::int64_t now);

}  // namespace gims::hsm

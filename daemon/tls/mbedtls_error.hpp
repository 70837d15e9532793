// mbedTLS's numbers as Error values. Included by .cpp files alone.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::tls {

// Kind `internal`, code GIMS_TLS; the detail is "<what>: <mbedTLS's text> (-0x7280)".
[[nodiscard]] std::unexpected<Error> fail_mbedtls(std::string_view what, int code);
[[nodiscard]] std::unexpected<Error> fail_leaf(std::string_view detail);

// mbedTLS's random source: the kernel's generator, which needs no lock and no state of ours.
int random_bytes(void* unused, unsigned char* out, std::size_t size) noexcept;

}  // namespace gims::tls

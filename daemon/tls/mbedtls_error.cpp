#include "tls/mbedtls_error.hpp"

#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace gims::tls {

std::unexpected<Error> fail_mbedtls(std::string_view what, int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), " (-0x%04X)", static_cast<unsigned>(-code));
  return fail(ErrorKind::internal, "GIMS_TLS", "The TLS library refused an operation.",
              std::string(what) + ": " + text.data() + number.data());
}

std::unexpected<Error> fail_leaf(std::string_view detail) {
  return fail(ErrorKind::bad_input, "GIMS_TLS_LEAF",
              "The server's certificate or its key cannot be used.", detail);
}

int random_bytes(void* /*unused*/, unsigned char* out, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t got = ::getrandom(out, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return 0;
}

}  // namespace gims::tls

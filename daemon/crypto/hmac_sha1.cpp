#include "crypto/hmac_sha1.hpp"

#include <mbedtls/md.h>

#include "base/check.hpp"

namespace gims::crypto {

Sha1Mac hmac_sha1(ByteView key, ByteView bytes) noexcept {
  Sha1Mac mac{};
  GIMS_CHECK(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), key.data(), key.size(),
                             bytes.data(), bytes.size(), mac.data()) == 0);
  return mac;
}

}  // namespace gims::crypto

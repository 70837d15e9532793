#include "crypto/hmac_sha1.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::crypto {
namespace {

// RFC 2202, section 3, cases 1, 2 and 6.
TEST(HmacSha1, IsAsTheStandardHasIt) {
  EXPECT_EQ(hex(hmac_sha1(Bytes(20, 0x0b), as_bytes("Hi There"))),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(hex(hmac_sha1(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac_sha1(Bytes(80, 0xaa),
                          as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

}  // namespace
}  // namespace gims::crypto

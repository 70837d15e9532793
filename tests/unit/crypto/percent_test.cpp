#include "crypto/percent.hpp"

#include <gtest/gtest.h>

namespace gims::crypto {
namespace {

TEST(PercentEncoded, LeavesUnreservedLettersAlone) {
  EXPECT_EQ(percent_encoded("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encoded("a/b c%:@"), "a%2Fb%20c%25%3A%40");
  EXPECT_EQ(percent_encoded("आ"), "%E0%A4%86");
  EXPECT_EQ(percent_encoded(""), "");
}

}  // namespace
}  // namespace gims::crypto

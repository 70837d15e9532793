#include "service/console/totp.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "crypto/bytes.hpp"

namespace gims::service::console {
namespace {

SecretBytes secret_of(std::string_view text) {
  return std::move(*SecretBytes::copy_of(crypto::as_bytes(text)));
}
const std::string_view rfc_secret = "12345678901234567890";

// RFC 6238, appendix B, the rows of SHA-1: eight digits.
TEST(Totp, MakesTheCodesOfTheStandard) {
  const SecretBytes secret = secret_of(rfc_secret);
  for (const auto& [second, code] :
       std::initializer_list<std::pair<std::int64_t, std::string_view>>{
           {59, "94287082"},
           {1111111109, "07081804"},
           {1111111111, "14050471"},
           {1234567890, "89005924"},
           {2000000000, "69279037"},
           {20000000000, "65353130"}}) {
    EXPECT_EQ(totp_code(secret, totp_step_of(second * 1000), 8).reveal(), code) << second;
  }
}

// RFC 4226, appendix D: six digits.
TEST(Totp, MakesTheCodesOfHotp) {
  const SecretBytes secret = secret_of(rfc_secret);
  const std::string_view codes[] = {"755224", "287082", "359152", "969429", "338314"};
  for (std::int64_t step = 0; step < 5; ++step) {
    EXPECT_EQ(totp_code(secret, step).reveal(), codes[step]);
  }
}

class TotpAccepts : public testing::Test {
 protected:
  static constexpr Millis now = 1'700'000'010'000;
  [[nodiscard]] std::optional<std::int64_t> accepts(std::int64_t steps_away,
                                                    std::int64_t last = 0) const {
    const Redacted code = totp_code(secret, step + steps_away);
    return totp_accepts(secret, code.reveal(), now, last);
  }
  const SecretBytes secret = secret_of(rfc_secret);
  const std::int64_t step = totp_step_of(now);
};

TEST_F(TotpAccepts, TheStepOfNowAndItsNeighbours) {
  EXPECT_EQ(accepts(-2), std::nullopt);
  EXPECT_EQ(accepts(-1), step - 1);
  EXPECT_EQ(accepts(0), step);
  EXPECT_EQ(accepts(1), step + 1);
  EXPECT_EQ(accepts(2), std::nullopt);
}

TEST_F(TotpAccepts, NoStepTwiceAndNoneBeforeIt) {
  EXPECT_EQ(accepts(0, step), std::nullopt);
  EXPECT_EQ(accepts(-1, step), std::nullopt);
  EXPECT_EQ(accepts(1, step), step + 1);
}

TEST_F(TotpAccepts, NothingElse) {
  for (const std::string_view code : {"", "12345", "1234567", "abcdef", "      "}) {
    EXPECT_EQ(totp_accepts(secret, code, now, 0), std::nullopt) << code;
  }
}

// RFC 4648, section 10.
TEST(Base32, WritesTheVectorsOfTheStandard) {
  for (const auto& [plain, text] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"f", "MY"},
           {"fo", "MZXQ"},
           {"foo", "MZXW6"},
           {"foob", "MZXW6YQ"},
           {"fooba", "MZXW6YTB"},
           {"foobar", "MZXW6YTBOI"}}) {
    EXPECT_EQ(base32(secret_of(plain)).reveal(), text);
  }
}

}  // namespace
}  // namespace gims::service::console

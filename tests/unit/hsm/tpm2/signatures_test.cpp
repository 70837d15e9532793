// A CA's key is used for years, and no use may leave anything behind: 300 signatures, and as many
// as GIMS_SIGNATURES says in `make faults`. Through gims-keyd:
// tests/integration/signatures_test.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "hsm/ca/p256.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/descriptors.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"
#include "support/tpm_handles.hpp"

namespace gims::hsm::tpm2 {
namespace {

long signatures() {
  const char* asked = std::getenv("GIMS_SIGNATURES");  // NOLINT(concurrency-mt-unsafe)
  return asked == nullptr ? 300 : std::stol(asked);
}

TEST(Signatures, LeaveNothingInTheTpmAndNoDescriptor) {
  const test::Swtpm tpm;
  const auto vault =
      make_vault({.address = *parse_address(tpm.tcti()), .release = test::release_policy(1)});
  const SecretBytes secret = *SecretBytes::copy_of(Bytes(key_size, 0x5a));
  const auto sealed = vault->provision(*SecretBytes::copy_of(Bytes(key_size, 0x42)), secret, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  ASSERT_TRUE(vault->settle(sealed->blob, secret));

  const auto before = test::open_descriptors();
  Digest digest{};
  for (long i = 0; i < signatures(); ++i) {
    digest[0] = static_cast<std::uint8_t>(i);
    digest[1] = static_cast<std::uint8_t>(i >> 8);
    const auto signature = vault->sign(sealed->blob, digest);
    ASSERT_TRUE(signature) << signature.error().text << ", after " << i;
    ASSERT_TRUE(p256_verify(sealed->ca_public, digest, *signature)) << "after " << i;
    if (i % 100 != 99) continue;
    ASSERT_EQ(test::left_in(tpm), 0U) << "after " << i;
    ASSERT_EQ(test::open_descriptors(), before) << "after " << i;
  }
  EXPECT_EQ(test::left_in(tpm), 0U);
  EXPECT_EQ(test::open_descriptors(), before);
}

}  // namespace
}  // namespace gims::hsm::tpm2

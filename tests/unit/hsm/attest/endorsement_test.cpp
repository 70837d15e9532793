// Certificates of TPM makers.
#include "hsm/attest/endorsement.hpp"

#include <gtest/gtest.h>

#include "support/attest_unit.hpp"
#include "support/tpm_maker.hpp"

namespace gims::hsm::attest {
namespace {

class Endorsement : public ::testing::Test {
 protected:
  [[nodiscard]] Bytes read(const char* name) const { return maker_.read(name); }
  [[nodiscard]] PublicKey key() const { return *parse_public(unit_.endorsement_area); }
  [[nodiscard]] std::string fault(BytesView certificate, const PublicKey& of,
                                  const std::vector<Bytes>& roots) const {
    const auto checked = check_endorsement(certificate, of, roots);
    return checked ? *checked : "failed: " + checked.error().text;
  }

  test::AttestUnit unit_;
  const test::TpmMaker maker_{unit_.endorsement.public_key};
};

TEST_F(Endorsement, ItsMakersCertificateLeadsToARoot) {
  EXPECT_EQ(fault(read("ek.der"), key(), {read("other.pem"), read("maker.pem")}), "");
}

TEST_F(Endorsement, AnotherMakerOrKeyIsTold) {
  EXPECT_EQ(fault(read("ek.der"), key(), {read("other.pem")}),
            "none of the makers' certificates that were given leads to it");
  const test::AttestUnit other;
  EXPECT_EQ(fault(read("ek.der"), *parse_public(other.endorsement_area), {read("maker.pem")}),
            "it is of another key");
  Bytes changed = read("ek.der");
  changed.back() ^= 1U;
  EXPECT_EQ(fault(changed, key(), {read("maker.pem")}),
            "none of the makers' certificates that were given leads to it");
  EXPECT_EQ(fault(Bytes(40), key(), {read("maker.pem")}), "it cannot be read");
  EXPECT_TRUE(fault(read("ek.der"), key(), {Bytes(40)}).starts_with("failed: File 1"));
}

TEST_F(Endorsement, VerifyTellsWhoMadeTheTpm) {
  unit_.endorsement_certificate = read("ek.der");
  const std::vector<Bytes> makers{read("maker.pem")};
  const std::vector<Bytes> others{read("other.pem")};
  const auto holds = [&](const std::vector<Bytes>& roots) {
    return verify(unit_.evidence({}), {.nonce = AttestNonce{}, .maker_roots = &roots})
        .report.holds();
  };
  EXPECT_TRUE(holds(makers));
  EXPECT_FALSE(holds(others));
  unit_.endorsement_certificate.clear();
  EXPECT_FALSE(holds(makers));
}

}  // namespace
}  // namespace gims::hsm::attest

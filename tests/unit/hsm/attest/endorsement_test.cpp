// Certificates of TPM makers, as openssl makes them.
#include "hsm/attest/endorsement.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "hsm/release/key_file.hpp"
#include "support/attest_unit.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::attest {
namespace {

class Endorsement : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_ / "ek.pem") << release::public_key_to_pem(unit_.endorsement.public_key);
    run("for name in maker other; do"
        "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
        "    -subj /CN=$name -keyout $name.key -out $name.pem 2>/dev/null; done;"
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=TPM"
        "  -keyout tpm.key -out tpm.csr 2>/dev/null;"
        "printf 'subjectAltName=critical,dirName:tpm\\nextendedKeyUsage=2.23.133.8.1\\n"
        "keyUsage=critical,keyAgreement\\n[tpm]\\nOU=id:00001014\\n' > extensions;"
        "openssl x509 -req -in tpm.csr -CA maker.pem -CAkey maker.key -force_pubkey ek.pem"
        "  -days 30 -extfile extensions -outform DER -out ek.der 2>/dev/null");
  }
  void run(const std::string& script) const {
    const auto done =
        test::run_command({"sh", "-euc", "cd " + folder_.path().string() + "; " + script});
    ASSERT_EQ(done.status, 0) << done.output;
  }
  [[nodiscard]] Bytes read(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] PublicKey key() const { return *parse_public(unit_.endorsement_area); }
  [[nodiscard]] std::string fault(BytesView certificate, const PublicKey& of,
                                  const std::vector<Bytes>& roots) const {
    const auto checked = check_endorsement(certificate, of, roots);
    return checked ? *checked : "failed: " + checked.error().text;
  }

  test::AttestUnit unit_;
  test::TempFolder folder_;
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

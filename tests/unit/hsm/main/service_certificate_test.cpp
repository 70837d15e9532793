#include "hsm/main/service_certificate.hpp"

#include <gtest/gtest.h>

#include <string>

#include "hsm/ca/certificate.hpp"
#include "hsm/ca/key_text.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

constexpr std::int64_t now = 1'790'000'000;
constexpr std::int64_t half = service_lifetime / 2;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

class ServiceCertificate : public ::testing::Test {
 protected:
  void SetUp() override {
    ca_ = issuing();
    certify(now + service_lifetime);
  }
  // Of the same key, with a serial number of its own.
  Bytes issuing() {
    return *make_issuing_ca(site_, root_.public_key, ca_key_.public_key, now, by(root_));
  }
  void certify(std::int64_t end) {
    const Bytes certificate =
        *make_service(site_, ca_key_.public_key, key_.public_key, "push.gims.internal",
                      now - clock_slack, end, by(ca_key_));
    chain_ = bytes_of(certificate_to_pem(certificate) + certificate_to_pem(ca_));
    const SecretBytes pem = *p256_to_pem(key_);
    own_ = Bytes(pem.bytes().begin(), pem.bytes().end());
  }
  [[nodiscard]] bool stays_at(std::int64_t time) const { return stays(chain_, own_, ca_, time); }
  static Signer by(const P256Key& key) {
    return [&key](const Digest& digest) { return p256_sign(key, digest); };
  }

  const SiteParameters site_ = test::site_parameters();
  const P256Key root_ = *generate_p256();
  const P256Key ca_key_ = *generate_p256();
  const P256Key key_ = *generate_p256();
  Bytes ca_;
  Bytes chain_;
  Bytes own_;
};

TEST_F(ServiceCertificate, StaysForHalfOfItsLife) {
  EXPECT_TRUE(stays_at(now));
  EXPECT_TRUE(stays_at(now + half - 1));
  EXPECT_FALSE(stays_at(now + half));
  EXPECT_FALSE(stays_at(now + 10 * service_lifetime));
}

TEST_F(ServiceCertificate, OfTheFutureDoesNotStay) {
  EXPECT_TRUE(stays_at(now - clock_slack)) << "it is good from then on";
  EXPECT_FALSE(stays_at(now - clock_slack - 1));
}

TEST_F(ServiceCertificate, ThatEndsWithItsCaStaysToItsEnd) {
  const std::int64_t end = *end_of(ca_);
  certify(end);
  EXPECT_TRUE(stays_at(end - half));
  EXPECT_TRUE(stays_at(end - 1));
  EXPECT_FALSE(stays_at(end));
}

TEST_F(ServiceCertificate, OfAnotherCaDoesNotStay) {
  EXPECT_FALSE(stays(chain_, own_, issuing(), now));
  EXPECT_FALSE(stays(chain_, own_, {}, now));
}

TEST_F(ServiceCertificate, WithoutItsKeyDoesNotStay) {
  const SecretBytes other = *p256_to_pem(*generate_p256());
  EXPECT_FALSE(stays(chain_, other.bytes(), ca_, now));
  EXPECT_FALSE(stays(chain_, {}, ca_, now));
}

TEST_F(ServiceCertificate, ThatIsNotAsItWasWrittenDoesNotStay) {
  for (std::size_t cut = 0; cut < chain_.size(); cut += 7) {
    EXPECT_FALSE(stays(BytesView(chain_).first(cut), own_, ca_, now)) << cut;
  }
  Bytes longer = chain_;
  longer.push_back('\n');
  EXPECT_FALSE(stays(longer, own_, ca_, now));
  for (std::size_t cut = 0; cut < own_.size() - 1; cut += 7) {
    EXPECT_FALSE(stays(chain_, BytesView(own_).first(cut), ca_, now)) << cut;
  }
}

}  // namespace
}  // namespace gims::hsm

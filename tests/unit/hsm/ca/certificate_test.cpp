#include "hsm/ca/certificate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <tuple>

#include "support/keyd_site.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

using ::gims::test::run_command;

// A root, its issuing CA and files of certificates for openssl and certtool, which read and judge
// what this code wrote.
class Certificates : public ::testing::Test {
 protected:
  void SetUp() override {
    root_key_ = *generate_p256();
    ca_key_ = *generate_p256();
    issue_cas(site_);
    leaf_key_ = *generate_p256();
  }

  void issue_cas(const SiteParameters& site) {
    const auto root = make_root(site, root_key_.public_key, now_, by(root_key_));
    const auto issuing =
        make_issuing_ca(site, root_key_.public_key, ca_key_.public_key, now_, by(root_key_));
    ASSERT_TRUE(root && issuing);
    root_ = *root;
    issuing_ = *issuing;
  }

  static Signer by(const P256Key& key) {
    return [&key](const Digest& digest) { return p256_sign(key, digest); };
  }

  Bytes leaf_for(const SiteParameters& site) {
    const auto leaf = make_leaf(site, ca_key_.public_key, leaf_key_.public_key, now_ - 60,
                                now_ + 3600, by(ca_key_));
    EXPECT_TRUE(leaf);
    return *leaf;
  }

  std::string file(const std::string& name, std::initializer_list<BytesView> certificates) {
    const std::string path = (folder_ / name).string();
    std::ofstream out(path);
    for (const BytesView certificate : certificates) out << certificate_to_pem(certificate);
    return path;
  }

  bool openssl_verifies(BytesView leaf) {
    const auto result = run_command({"openssl", "verify", "-x509_strict", "-purpose", "sslserver",
                                     "-CAfile", file("root.pem", {root_}), "-untrusted",
                                     file("ca.pem", {issuing_}), file("leaf.pem", {leaf})});
    openssl_said_ = result.output;
    return result.status == 0;
  }

  bool certtool_verifies(BytesView leaf) {
    const auto result =
        run_command({"certtool", "--verify", "--load-ca-certificate", file("root.pem", {root_}),
                     "--infile", file("chain.pem", {leaf, issuing_})});
    certtool_said_ = result.output;
    return result.status == 0;
  }

  std::string text_of(BytesView certificate) {
    return run_command(
               {"openssl", "x509", "-noout", "-text", "-in", file("shown.pem", {certificate})})
        .output;
  }

  test::TempFolder folder_;
  SiteParameters site_ = test::site_parameters();
  const std::int64_t now_ = SystemClock().now_ms() / 1000;
  P256Key root_key_;
  P256Key ca_key_;
  P256Key leaf_key_;
  Bytes root_;
  Bytes issuing_;
  std::string openssl_said_;
  std::string certtool_said_;
};

#define EXPECT_HOLDS(text, part) \
  EXPECT_NE((text).find(part), std::string::npos) << part << " is not in\n" << (text)

TEST_F(Certificates, OpensslAndGnutlsTakeTheChain) {
  const Bytes leaf = leaf_for(site_);
  EXPECT_TRUE(openssl_verifies(leaf)) << openssl_said_;
  EXPECT_TRUE(certtool_verifies(leaf)) << certtool_said_;
}

TEST_F(Certificates, TakeAddressesOfEitherFamilyOrNone) {
  const std::vector<std::vector<Bytes>> families{
      {}, {Bytes(16, 0x20)}, {{192, 0, 2, 7}, Bytes(16, 0x20)}};
  for (const auto& addresses : families) {
    site_.addresses = addresses;
    issue_cas(site_);
    const Bytes leaf = leaf_for(site_);
    EXPECT_TRUE(openssl_verifies(leaf)) << openssl_said_;
    EXPECT_TRUE(certtool_verifies(leaf)) << certtool_said_;
  }
}

TEST_F(Certificates, OtherNamesAreOutsideOfTheConstraints) {
  // Each alone: the issuing CA signs it, and no verifier takes it.
  const auto only = [this](const char* name, Bytes address) {
    SiteParameters site = site_;
    site.dns_names.clear();
    site.addresses.clear();
    if (name != nullptr) site.dns_names.emplace_back(name);
    if (!address.empty()) site.addresses.push_back(std::move(address));
    return leaf_for(site);
  };
  const std::vector<Bytes> leaves{only("example.com", {}), only("notgims.internal", {}),
                                  only(nullptr, {192, 0, 2, 8}), only(nullptr, Bytes(16, 0x20))};
  for (const Bytes& leaf : leaves) {
    EXPECT_FALSE(openssl_verifies(leaf));
    EXPECT_HOLDS(openssl_said_, "permitted subtree violation") << &leaf - leaves.data();
    EXPECT_FALSE(certtool_verifies(leaf)) << &leaf - leaves.data() << certtool_said_;
  }
  EXPECT_TRUE(openssl_verifies(only("deep.chat.gims.internal", {}))) << openssl_said_;
  EXPECT_TRUE(openssl_verifies(only(nullptr, {192, 0, 2, 7}))) << openssl_said_;
}

TEST_F(Certificates, TheRootHoldsWhatItShould) {
  const std::string text = text_of(root_);
  EXPECT_HOLDS(text, "Version: 3 (0x2)");
  EXPECT_HOLDS(text, "Signature Algorithm: ecdsa-with-SHA256");
  EXPECT_HOLDS(text, "O=Joint Secretariat");
  EXPECT_HOLDS(text, "CN=gims.internal root CA ");
  EXPECT_HOLDS(text, "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:1\n");
  EXPECT_HOLDS(text, "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n");
  EXPECT_HOLDS(text,
               "X509v3 Name Constraints: critical\n                Permitted:\n"
               "                  DNS:gims.internal\n"
               "                  IP:192.0.2.7/255.255.255.255\n"
               "                Excluded:\n"
               "                  IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0\n");
  EXPECT_HOLDS(text, "Public-Key: (256 bit)");
  EXPECT_HOLDS(text, "NIST CURVE: P-256");
}

TEST_F(Certificates, TheIssuingCaIssuesLeavesAlone) {
  const std::string text = text_of(issuing_);
  EXPECT_HOLDS(text, "Issuer: O=Joint Secretariat, CN=gims.internal root CA ");
  EXPECT_HOLDS(text, "Subject: O=Joint Secretariat, CN=gims.internal issuing CA ");
  EXPECT_HOLDS(text, "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n");
  EXPECT_HOLDS(text, "X509v3 Name Constraints: critical\n");
}

TEST_F(Certificates, TheLeafNamesTheSiteAndServesTls) {
  const std::string text = text_of(leaf_for(site_));
  EXPECT_HOLDS(text, "X509v3 Basic Constraints: critical\n                CA:FALSE\n");
  EXPECT_HOLDS(text, "X509v3 Key Usage: critical\n                Digital Signature\n");
  EXPECT_HOLDS(text,
               "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n");
  EXPECT_HOLDS(text,
               "X509v3 Subject Alternative Name: \n                DNS:gims.internal, "
               "DNS:chat.gims.internal, IP Address:192.0.2.7\n");
  EXPECT_HOLDS(text, "X509v3 Authority Key Identifier: ");
}

TEST_F(Certificates, AServicesHasANameOfItsOwnAndNoneOfTheSites) {
  const auto push = make_service(site_, ca_key_.public_key, leaf_key_.public_key,
                                 "push.gims.internal", now_ - 60, now_ + 3600, by(ca_key_));
  ASSERT_TRUE(push) << push.error().text;
  const std::string text = text_of(*push);
  EXPECT_HOLDS(text, "Subject: O=Joint Secretariat, CN=push.gims.internal\n");
  EXPECT_HOLDS(text, "X509v3 Basic Constraints: critical\n                CA:FALSE\n");
  EXPECT_HOLDS(text, "X509v3 Key Usage: critical\n                Digital Signature\n");
  EXPECT_HOLDS(text,
               "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n");
  EXPECT_HOLDS(text, "X509v3 Subject Alternative Name: \n                DNS:push.gims.internal\n");
  EXPECT_TRUE(openssl_verifies(*push)) << openssl_said_;
  EXPECT_TRUE(certtool_verifies(*push)) << certtool_said_;
  const auto elsewhere = make_service(site_, ca_key_.public_key, leaf_key_.public_key,
                                      "push.example.com", now_ - 60, now_ + 3600, by(ca_key_));
  ASSERT_TRUE(elsewhere);
  EXPECT_FALSE(openssl_verifies(*elsewhere));
}

TEST_F(Certificates, TheDevicesServesTlsClientsAlone) {
  const auto device = make_device(site_, ca_key_.public_key, leaf_key_.public_key,
                                  {.user = "@asha:gims.internal", .device = "PHONE1"}, now_ - 60,
                                  now_ + 3600, by(ca_key_));
  ASSERT_TRUE(device) << device.error().text;
  const std::string text = text_of(*device);
  EXPECT_HOLDS(text, "Subject: O=Joint Secretariat, UID=@asha:gims.internal, CN=PHONE1\n");
  EXPECT_HOLDS(text, "X509v3 Basic Constraints: critical\n                CA:FALSE\n");
  EXPECT_HOLDS(text, "X509v3 Key Usage: critical\n                Digital Signature\n");
  EXPECT_HOLDS(text,
               "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n");
  EXPECT_EQ(text.find("Alternative Name"), std::string::npos) << text;
  for (const auto& [purpose, oid, good] : {std::tuple("sslclient", "1.3.6.1.5.5.7.3.2", true),
                                           std::tuple("sslserver", "1.3.6.1.5.5.7.3.1", false)}) {
    const auto openssl = run_command({"openssl", "verify", "-x509_strict", "-purpose", purpose,
                                      "-CAfile", file("root.pem", {root_}), "-untrusted",
                                      file("ca.pem", {issuing_}), file("device.pem", {*device})});
    EXPECT_EQ(openssl.status == 0, good) << purpose << openssl.output;
    const auto gnutls = run_command({"certtool", "--verify", "--verify-purpose", oid,
                                     "--load-ca-certificate", file("root.pem", {root_}), "--infile",
                                     file("chain.pem", {*device, issuing_})});
    EXPECT_EQ(gnutls.status == 0, good) << purpose << gnutls.output;
  }
}

TEST_F(Certificates, ADeviceIsOfAUserOfThisSite) {
  EXPECT_TRUE(check_device(site_, {.user = "@asha:gims.internal", .device = "PHONE1"}));
  EXPECT_TRUE(
      check_device(site_, {.user = "@a/b=c:gims.internal", .device = std::string(64, 'D')}));
  for (const char* user :
       {"", "asha", "@asha", "@:gims.internal", "asha:gims.internal", "@asha:example.com",
        "@asha:gims.internal.example.com", "@asha:gims.internal\n", "@as ha:gims.internal",
        "@asha:gims.internal:gims.internal", "@\xc3\xa4:gims.internal"}) {
    const auto refused = check_device(site_, {.user = user, .device = "PHONE1"});
    ASSERT_FALSE(refused) << user;
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  }
  const std::string long_one = "@" + std::string(250, 'a') + ":gims.internal";
  EXPECT_FALSE(check_device(site_, {.user = long_one, .device = "PHONE1"}));
  for (const std::string& device : {std::string(), std::string("a b"), std::string(65, 'D')}) {
    EXPECT_FALSE(check_device(site_, {.user = "@asha:gims.internal", .device = device}));
  }
}

TEST_F(Certificates, LastAsLongAsTheyShould) {
  const auto lasts = [this](BytesView certificate, std::int64_t seconds) {
    // "-checkend N": status 0 when the certificate is still good N seconds from now.
    return run_command({"openssl", "x509", "-noout", "-checkend", std::to_string(seconds), "-in",
                        file("ends.pem", {certificate})})
               .status == 0;
  };
  constexpr std::int64_t year = std::int64_t{365} * 24 * 3600;
  EXPECT_TRUE(lasts(root_, 20 * year - 3600));
  EXPECT_FALSE(lasts(root_, 20 * year + 3600));
  EXPECT_TRUE(lasts(issuing_, 5 * year - 3600));
  EXPECT_FALSE(lasts(issuing_, 5 * year + 3600));
}

TEST_F(Certificates, EachHasASerialNumberOfItsOwn) {
  const auto serial = [this](BytesView certificate) {
    return run_command(
               {"openssl", "x509", "-noout", "-serial", "-in", file("serial.pem", {certificate})})
        .output;
  };
  EXPECT_NE(serial(leaf_for(site_)), serial(leaf_for(site_)));
}

TEST_F(Certificates, AFaultySignatureDoesNotLeave) {
  const Signer faulty = [this](const Digest& digest) -> Result<P256Signature> {
    GIMS_TRY_ASSIGN(P256Signature signature, p256_sign(ca_key_, digest));
    signature.s[0] ^= 1U;
    return signature;
  };
  const auto leaf =
      make_leaf(site_, ca_key_.public_key, leaf_key_.public_key, now_, now_ + 60, faulty);
  ASSERT_FALSE(leaf);
  EXPECT_EQ(leaf.error().code, "GIMS_KEYD_CUSTODY");
}

TEST_F(Certificates, AVeryLongServerNameStillMakesAName) {
  const std::string label(60, 'a');
  site_.server_name = label + "." + label + ".internal";
  issue_cas(site_);
  EXPECT_TRUE(openssl_verifies(leaf_for(site_))) << openssl_said_;
}

}  // namespace
}  // namespace gims::hsm

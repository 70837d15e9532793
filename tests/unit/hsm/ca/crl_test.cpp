#include "hsm/ca/crl.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/keyd_site.hpp"
#include "support/process.hpp"

namespace gims::hsm {
namespace {

using ::gims::test::run_command;

// A root that signed two issuing CAs and revoked the first: judged by openssl and certtool.
class Crl : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto by_root = by(root_key_);
    root_ = *make_root(site_, root_key_.public_key, now_, by_root);
    for (const P256Key* key : {&old_key_, &new_key_}) {
      issuing_.push_back(
          *make_issuing_ca(site_, root_key_.public_key, key->public_key, now_, by_root));
      leaves_.push_back(*make_leaf(site_, key->public_key, leaf_key_.public_key, now_ - 60,
                                   now_ + 3600, by(*key)));
    }
  }
  static Signer by(const P256Key& key) {
    return [&key](const Digest& digest) { return p256_sign(key, digest); };
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string list_of(std::uint64_t number, const std::vector<Revoked>& revoked) {
    const auto list = make_crl(root_, number, revoked, now_, root_list_lifetime, by(root_key_));
    EXPECT_TRUE(list) << list.error().text;
    return write("crl.pem", crl_to_pem(*list));
  }
  // Of the issuing CA with that number, with the list in force.
  test::CommandResult openssl_verifies(std::size_t ca, const std::string& list) {
    return run_command({"openssl", "verify", "-x509_strict", "-crl_check", "-CAfile",
                        write("root.pem", certificate_to_pem(root_)), "-CRLfile", list,
                        write("ca.pem", certificate_to_pem(issuing_[ca]))});
  }
  test::CommandResult certtool_verifies(std::size_t ca, const std::string& list) {
    return run_command(
        {"certtool", "--verify", "--load-ca-certificate",
         write("root.pem", certificate_to_pem(root_)), "--load-crl", list, "--infile",
         write("chain.pem", certificate_to_pem(leaves_[ca]) + certificate_to_pem(issuing_[ca]))});
  }

  test::TempFolder folder_;
  const SiteParameters site_ = test::site_parameters();
  const std::int64_t now_ = SystemClock().now_ms() / 1000;
  const P256Key root_key_ = *generate_p256();
  const P256Key old_key_ = *generate_p256();
  const P256Key new_key_ = *generate_p256();
  const P256Key leaf_key_ = *generate_p256();
  Bytes root_;
  std::vector<Bytes> issuing_;
  std::vector<Bytes> leaves_;
};

TEST_F(Crl, RevokesWhatItNamesAndNothingElse) {
  const std::string list =
      list_of(2, {{.serial = *serial_of(issuing_[0]), .at = now_}, {.serial = {0x7f}, .at = 1}});
  const auto old = openssl_verifies(0, list);
  EXPECT_NE(old.status, 0);
  EXPECT_NE(old.output.find("certificate revoked"), std::string::npos) << old.output;
  const auto fresh = openssl_verifies(1, list);
  EXPECT_EQ(fresh.status, 0) << fresh.output;
  const auto old_chain = certtool_verifies(0, list);
  EXPECT_NE(old_chain.output.find("revoked"), std::string::npos) << old_chain.output;
  EXPECT_NE(old_chain.status, 0);
  const auto new_chain = certtool_verifies(1, list);
  EXPECT_EQ(new_chain.status, 0) << new_chain.output;
}

TEST_F(Crl, OneOfNothingIsAListToo) {
  const std::string list = list_of(1, {});
  for (std::size_t ca = 0; ca < 2; ++ca) {
    EXPECT_EQ(openssl_verifies(ca, list).status, 0) << openssl_verifies(ca, list).output;
    EXPECT_EQ(certtool_verifies(ca, list).status, 0) << certtool_verifies(ca, list).output;
  }
  const auto text = run_command({"openssl", "crl", "-noout", "-text", "-in", list}).output;
  EXPECT_NE(text.find("No Revoked Certificates"), std::string::npos) << text;
}

TEST_F(Crl, SaysWhoseItIsItsNumberAndHowLongItLasts) {
  const std::string list = list_of(0x1ff, {{.serial = *serial_of(issuing_[0]), .at = now_}});
  const auto shown = run_command({"openssl", "crl", "-noout", "-text", "-in", list, "-CAfile",
                                  write("root.pem", certificate_to_pem(root_)), "-verify"});
  EXPECT_EQ(shown.status, 0) << shown.output;
  for (const char* part :
       {"Version 2 (0x1)", "ecdsa-with-SHA256", "O=Joint Secretariat, CN=gims.internal root CA ",
        "X509v3 CRL Number: \n                511", "X509v3 Authority Key Identifier"}) {
    EXPECT_NE(shown.output.find(part), std::string::npos) << part << " is not in " << shown.output;
  }
  const auto read = run_command({"certtool", "--crl-info", "--infile", list});
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_NE(read.output.find("Revoked certificates (1)"), std::string::npos) << read.output;
}

TEST_F(Crl, AnIssuingCaRevokesDevices) {
  const auto device = [this](const std::string& id) {
    return *make_device(site_, new_key_.public_key, leaf_key_.public_key,
                        {.user = "@asha:gims.internal", .device = id}, now_ - 60, now_ + 3600,
                        by(new_key_));
  };
  const Bytes lost = device("LOST");
  const Bytes kept = device("KEPT");
  const auto list = make_crl(issuing_[1], 1, {{.serial = *serial_of(lost), .at = now_}}, now_,
                             device_list_lifetime, by(new_key_));
  ASSERT_TRUE(list) << list.error().text;
  const std::string lists = write("devices.pem", crl_to_pem(*list));
  const std::string root = write("root.pem", certificate_to_pem(root_));
  const std::string issuing = write("ca.pem", certificate_to_pem(issuing_[1]));
  const std::string both =
      write("both.pem", certificate_to_pem(root_) + certificate_to_pem(issuing_[1]));
  for (const Bytes& one : {lost, kept}) {
    const bool good = one == kept;
    const auto openssl =
        run_command({"openssl", "verify", "-x509_strict", "-crl_check", "-purpose", "sslclient",
                     "-CAfile", root, "-untrusted", issuing, "-CRLfile", lists,
                     write("device.pem", certificate_to_pem(one))});
    EXPECT_EQ(openssl.status == 0, good) << openssl.output;
    EXPECT_EQ(openssl.output.find("certificate revoked") == std::string::npos, good);
    const auto gnutls = run_command(
        {"certtool", "--verify", "--load-ca-certificate", both, "--load-crl", lists, "--infile",
         write("chain.pem", certificate_to_pem(one) + certificate_to_pem(issuing_[1]))});
    EXPECT_EQ(gnutls.status == 0, good) << gnutls.output;
  }
  // A day, for what may have been lost since.
  const auto shown = run_command({"openssl", "crl", "-noout", "-nextupdate", "-in", lists});
  EXPECT_EQ(shown.status, 0) << shown.output;
}

TEST_F(Crl, ASerialNumberIsReadAsPeopleHaveIt) {
  EXPECT_EQ(*serial_from("0a1b"), (Bytes{0x0a, 0x1b}));
  EXPECT_EQ(*serial_from("0A:1B"), (Bytes{0x0a, 0x1b}));
  // As openssl shows it, without the zero that keeps it from being negative; and with it.
  EXPECT_EQ(*serial_from("ff01"), (Bytes{0x00, 0xff, 0x01}));
  EXPECT_EQ(*serial_from("00ff01"), (Bytes{0x00, 0xff, 0x01}));
  EXPECT_EQ(*serial_from(std::string(38, '1')), Bytes(19, 0x11));
  for (const char* wrong : {"", ":", "0", "0g", "0a1", "12 34", "-1"}) {
    EXPECT_FALSE(serial_from(wrong)) << wrong;
  }
  EXPECT_FALSE(serial_from(std::string(42, '1')));
  EXPECT_FALSE(serial_from(std::string(40, 'f'))) << "its sign needs one byte more";
}

TEST_F(Crl, AListThatAnotherKeySignedDoesNotLeave) {
  EXPECT_FALSE(make_crl(root_, 1, {}, now_, root_list_lifetime, by(old_key_)));
}

}  // namespace
}  // namespace gims::hsm

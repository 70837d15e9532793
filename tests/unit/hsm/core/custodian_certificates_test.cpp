// What the custodian certifies for devices, and takes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "hsm/ca/hex.hpp"
#include "support/device_request.hpp"
#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::hold;
using test::KeydSite;
using test::read_bytes;
using test::request;
using test::request_of;
using test::write_bytes;

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

class Devices : public ::testing::Test {
 protected:
  void SetUp() override { site_.provisioned(); }
  Custodian& custodian() { return site_.custodian(); }
  DeviceRequest phone() {
    return {.request = request_of(key_),
            .user = "@asha:gims.internal",
            .device = "PHONE",
            .lifetime_seconds = std::uint32_t{365} * day};
  }
  DeviceReply certified() {
    auto reply = custodian().certify_device(phone());
    EXPECT_TRUE(reply) << reply.error().text;
    return std::move(*reply);
  }
  CrlReply list(std::uint8_t which) {
    auto reply = custodian().crl({.which = which});
    EXPECT_TRUE(reply) << reply.error().text;
    return std::move(*reply);
  }
  static bool names(const CrlReply& reply, const std::string& serial) {
    const Bytes number = *serial_from(serial);
    return !std::ranges::search(reply.crl, number).empty();
  }
  void wait(std::int64_t seconds) { site_.clock().advance(1000 * seconds); }

  KeydSite site_;
  const P256Key key_ = *generate_p256();
};

TEST_F(Devices, HaveTheirKeyCertifiedForTheNamesThatTheAdministratorGives) {
  const DeviceReply reply = certified();
  ASSERT_EQ(reply.chain.size(), 2U);
  EXPECT_EQ(*key_of(reply.chain[0]), key_.public_key);
  EXPECT_EQ(*end_of(reply.chain[0]), reply.not_after);
  EXPECT_EQ(reply.serial, hex(*serial_of(reply.chain[0])));
  const Bytes subject = *subject_of(reply.chain[0]);
  const std::string text(subject.begin(), subject.end());
  EXPECT_NE(text.find("@asha:gims.internal"), std::string::npos);
  EXPECT_NE(text.find("PHONE"), std::string::npos);
  EXPECT_EQ(text.find("minister"), std::string::npos);
}

TEST_F(Devices, AreRefusedOtherNamesLifetimesAndRequests) {
  const auto refused = [this](auto change) {
    DeviceRequest asked = phone();
    change(asked);
    const auto reply = custodian().certify_device(asked);
    return !reply && reply.error().code == "GIMS_KEYD_REQUEST";
  };
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.user = "@asha:example.com"; }));
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.device.clear(); }));
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.lifetime_seconds = day - 1; }));
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.lifetime_seconds = 366 * day + 1; }));
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.request.back() ^= 1U; }));
  EXPECT_TRUE(refused([](DeviceRequest& asked) { asked.request.clear(); }));
  EXPECT_EQ(site_.hardware().signatures, 0) << "the hardware is not asked for nothing";
}

TEST_F(Devices, AreNotCertifiedBeyondTheIssuingCa) {
  const std::int64_t end = custodian().status().issuing_ca_end;
  wait(end - site_.clock().now_ms() / 1000 - 2 * day);
  EXPECT_EQ(certified().not_after, end);
  wait(day + 1);
  const auto reply = custodian().certify_device(phone());
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().text.find("gims-keyd renew-ca"), std::string::npos);
}

TEST_F(Devices, ThatAreRevokedAreInTheListUntilTheirCertificateHasEnded) {
  const std::string lost = certified().serial;
  const std::string kept = certified().serial;
  EXPECT_FALSE(names(list(1), lost));
  ASSERT_TRUE(custodian().revoke_device({.serial = lost}));
  ASSERT_TRUE(custodian().revoke_device({.serial = lost})) << "again";
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(names(list(1), lost));
    EXPECT_FALSE(names(list(1), kept));
    ASSERT_EQ(site_.restart().state(), State::operational);
  }
  EXPECT_FALSE(custodian().revoke_device({.serial = "no number"}));
  wait(367 * day);
  ASSERT_TRUE(custodian().revoke_device({.serial = kept}));
  EXPECT_FALSE(names(list(1), lost));
  EXPECT_TRUE(names(list(1), kept));
}

TEST_F(Devices, AsManyAreRevokedAsTheListHolds) {
  const auto number = [](std::size_t i) {
    return hex(Bytes{static_cast<std::uint8_t>(1 + i / 256), static_cast<std::uint8_t>(i % 256)});
  };
  for (std::size_t i = 0; i < max_revoked_devices; ++i) {
    ASSERT_TRUE(custodian().revoke_device({.serial = number(i)})) << i;
  }
  const Bytes full = read_bytes(site_.custody());
  const std::string one_more = number(max_revoked_devices);
  const auto refused = custodian().revoke_device({.serial = one_more});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  EXPECT_NE(refused.error().text.find("The list of revoked devices is full"), std::string::npos);
  EXPECT_EQ(read_bytes(site_.custody()), full);
  EXPECT_TRUE(custodian().revoke_device({.serial = number(0)})) << "which is in it";
  ASSERT_EQ(site_.restart().state(), State::operational);
  wait(367 * day);
  EXPECT_TRUE(custodian().revoke_device({.serial = one_more})) << "once others have ended";
}

TEST_F(Devices, ARevocationIsNotUndoneByAnOlderFile) {
  const std::string lost = certified().serial;
  const Bytes before = read_bytes(site_.custody());
  ASSERT_TRUE(custodian().revoke_device({.serial = lost}));
  const Bytes after = read_bytes(site_.custody());
  write_bytes(site_.custody(), before);
  EXPECT_EQ(site_.restart().state(), State::locked);
  EXPECT_NE(custodian().status().reason.find("custody.bin is number 1"), std::string::npos)
      << custodian().status().reason;
  write_bytes(site_.custody(), after);
  EXPECT_EQ(site_.restart().state(), State::operational);
  EXPECT_TRUE(names(list(1), lost));
}

TEST_F(Devices, TheirListIsSignedAnewWhenItIsHalfOverOrChanges) {
  EXPECT_EQ(list(0).lists, 2);
  EXPECT_EQ(site_.hardware().signatures, 0) << "the root's list is from the ceremony";
  const Bytes first = list(1).crl;
  wait(device_list_lifetime / 2 - 1);
  EXPECT_EQ(list(1).crl, first);
  EXPECT_EQ(site_.hardware().signatures, 1);
  wait(1);
  const Bytes second = list(1).crl;
  EXPECT_NE(second, first);
  ASSERT_TRUE(custodian().revoke_device({.serial = "0a1b"}));
  EXPECT_NE(list(1).crl, second);
  EXPECT_EQ(site_.hardware().signatures, 3);
  EXPECT_FALSE(custodian().crl({.which = 2}));
  // While the hardware is away the last one is given for as long as it is good enough.
  site_.hardware().reachable = false;
  EXPECT_TRUE(custodian().crl({.which = 1}));
  wait(device_list_lifetime / 2);
  EXPECT_FALSE(custodian().crl({.which = 1}));
}

TEST_F(Devices, TheIssuingCaOfBeforeRevokesItsOwnForAYear) {
  const DeviceReply old = certified();
  ASSERT_TRUE(hold(custodian(), request(CeremonyKind::renew_ca), site_.shares()));
  const DeviceReply fresh = certified();
  EXPECT_NE(fresh.chain[1], old.chain[1]);
  ASSERT_TRUE(custodian().revoke_device({.serial = old.serial}));
  ASSERT_EQ(site_.restart().state(), State::operational);
  ASSERT_EQ(list(1).lists, 3);
  // Each is of its own CA: the names in it are those of the certificates.
  const std::array<const Bytes*, 2> cas{&fresh.chain[1], &old.chain[1]};
  for (std::uint8_t i = 0; i < 2; ++i) {
    const CrlReply one = list(static_cast<std::uint8_t>(1 + i));
    EXPECT_TRUE(names(one, old.serial));
    const Bytes subject = *subject_of(*cas.at(i));
    EXPECT_FALSE(std::ranges::search(one.crl, subject).empty()) << i;
  }
  wait(366 * day + 1);
  EXPECT_EQ(list(1).lists, 2);
}

TEST_F(Devices, TheIssuingCaIsRenewedFourTimesAYearAtMost) {
  for (std::size_t i = 0; i < max_former_cas; ++i) {
    const auto done = hold(custodian(), request(CeremonyKind::renew_ca), site_.shares());
    ASSERT_TRUE(done) << done.error().text;
  }
  const auto refused = hold(custodian(), request(CeremonyKind::renew_ca), site_.shares());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("renewed 4 times within a year"), std::string::npos);
  custodian().abort_ceremony();
  wait(367 * day);
  EXPECT_TRUE(hold(custodian(), request(CeremonyKind::renew_ca), site_.shares()));
}

TEST_F(Devices, AreCertifiedAnewAfterARestoration) {
  const DeviceReply old = certified();
  ASSERT_TRUE(custodian().revoke_device({.serial = old.serial}));
  KeydSite other;
  ASSERT_TRUE(hold(other.custodian(), test::restore_from(custodian().recovery_file()->file),
                   site_.shares()));
  const auto root_list = other.custodian().crl({.which = 0});
  ASSERT_TRUE(root_list);
  EXPECT_EQ(root_list->lists, 2);
  const Bytes serial = *serial_of(old.chain[1]);
  EXPECT_FALSE(std::ranges::search(root_list->crl, serial).empty())
      << "with its CA all that it certified is revoked";
}

}  // namespace
}  // namespace gims::hsm

// What the custodian gives to the services around the daemons.
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

constexpr std::int64_t day = 24 * 3600;

class Services : public ::testing::Test {
 protected:
  void SetUp() override { site_.provisioned(); }
  Custodian& custodian() { return site_.custodian(); }
  ServiceReply certified(Service service) {
    auto reply =
        custodian().certify_service({.service = service, .public_key = spki_of(key_.public_key)});
    EXPECT_TRUE(reply) << reply.error().text;
    return std::move(*reply);
  }
  [[nodiscard]] std::int64_t now() { return site_.clock().now_ms() / 1000; }

  KeydSite site_;
  const P256Key key_ = *generate_p256();
};

TEST_F(Services, HaveACertificateOfAWeekForANameBelowTheSites) {
  for (const auto& [service, name] : {std::pair(Service::push, "push.gims.internal"),
                                      std::pair(Service::wifi, "wifi.gims.internal")}) {
    const ServiceReply reply = certified(service);
    ASSERT_EQ(reply.chain.size(), 2U);
    EXPECT_EQ(*key_of(reply.chain[0]), key_.public_key);
    EXPECT_EQ(*end_of(reply.chain[0]), now() + 7 * day);
    const std::string_view text(reinterpret_cast<const char*>(reply.chain[0].data()),
                                reply.chain[0].size());
    EXPECT_NE(text.find(name), std::string_view::npos);
    EXPECT_EQ(text.find("chat.gims.internal"), std::string_view::npos);
  }
}

TEST_F(Services, HaveNoneThatOutlivesItsCa) {
  const std::int64_t end = *end_of(certified(Service::push).chain[1]);
  site_.clock().advance(1000 * (end - now() - day));
  EXPECT_EQ(*end_of(certified(Service::push).chain[0]), end);
  site_.clock().advance(1000 * (day - 30));
  EXPECT_FALSE(custodian().certify_service(
      {.service = Service::push, .public_key = spki_of(key_.public_key)}));
}

TEST_F(Services, HaveNoKeyOfAnotherKind) {
  const auto reply = custodian().certify_service({.service = Service::wifi, .public_key = {1, 2}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, "GIMS_KEYD_REQUEST");
}

TEST_F(Services, HaveSecretsOfTheirOwnThatStayTheSame) {
  const auto plain = [](const SecretBytes& secret) {
    return Bytes(secret.bytes().begin(), secret.bytes().end());
  };
  const auto relay = custodian().relay_secret();
  const auto wifi = custodian().wifi_passphrase({.number = 1});
  ASSERT_TRUE(relay && wifi);
  EXPECT_EQ(relay->realm, "gims.internal");
  EXPECT_EQ(wifi->server_name, "gims.internal");
  EXPECT_EQ(relay->secret.size(), relay_secret_size);
  EXPECT_EQ(wifi->passphrase.size(), wifi_passphrase_size);
  EXPECT_NE(plain(custodian().wifi_passphrase({.number = 2})->passphrase), plain(wifi->passphrase));
  for (const std::uint8_t digit : relay->secret.bytes()) EXPECT_TRUE(std::isxdigit(digit));
  site_.restart();
  EXPECT_EQ(plain(custodian().relay_secret()->secret), plain(relay->secret));
  EXPECT_EQ(plain(custodian().wifi_passphrase({.number = 1})->passphrase), plain(wifi->passphrase));
}

TEST_F(Services, JudgeDevicesByEachCaWhoseCertificatesAreGood) {
  const Bytes first = custodian().issuing_cas().certificates.at(0);
  EXPECT_EQ(first, certified(Service::wifi).chain[1]);
  EXPECT_EQ(custodian().issuing_cas().certificates.size(), 1U);
  ASSERT_TRUE(test::hold(custodian(), test::request(CeremonyKind::renew_ca), site_.shares()));
  EXPECT_EQ(custodian().issuing_cas().certificates,
            (std::vector{certified(Service::wifi).chain[1], first}));
  site_.clock().advance(1000 * (366 * day + 1));
  EXPECT_EQ(custodian().issuing_cas().certificates.size(), 1U);
}

}  // namespace
}  // namespace gims::hsm

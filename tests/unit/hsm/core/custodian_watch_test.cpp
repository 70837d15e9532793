// What the custodian does when the hardware is unplugged, and when it comes back.
#include <gtest/gtest.h>

#include "hsm/core/custodian.hpp"
#include "hsm/core/p256.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using namespace std::chrono_literals;
using test::KeydSite;

// Lets the time pass until tick() is due, and calls it.
void pass_and_tick(KeydSite& site) {
  const auto wait = site.custodian().next_try();
  ASSERT_TRUE(wait);
  site.clock().advance(wait->count());
  site.custodian().tick();
}

LeafRequest leaf_request() { return {.public_key = spki_of(generate_p256()->public_key)}; }

TEST(CustodianWatch, LocksWhenTheHardwareIsUnpluggedAndComesBackByItself) {
  KeydSite site;
  site.hardware().removable = true;
  Custodian& custodian = site.provisioned();
  const auto key = custodian.server_key().public_key;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(site.hardware().probes, 1);

  site.hardware().reachable = false;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_EQ(custodian.status().reason, "the hardware cannot be reached");
  EXPECT_TRUE(custodian.status().server_name.empty());

  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::locked);
  site.hardware().reachable = true;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(custodian.server_key().public_key, key);
}

TEST(CustodianWatch, LooksEveryFiveSecondsAndTriesAgainAtLeastEachMinute) {
  KeydSite site;
  site.hardware().removable = true;
  Custodian& custodian = site.provisioned();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(custodian.next_try(), 5s);
    site.clock().advance(4'999);
    custodian.tick();
    EXPECT_EQ(site.hardware().probes, i - 1) << "before its time";
    site.clock().advance(1);
    custodian.tick();
    EXPECT_EQ(site.hardware().probes, i);
  }
  site.hardware().reachable = false;
  pass_and_tick(site);
  for (const auto wait : {5s, 10s, 20s, 40s, 60s, 60s}) {
    EXPECT_EQ(custodian.next_try(), wait);
    pass_and_tick(site);
  }
  site.hardware().reachable = true;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(custodian.next_try(), 5s);
  // And from the beginning.
  site.hardware().reachable = false;
  pass_and_tick(site);
  EXPECT_EQ(custodian.next_try(), 5s);
}

TEST(CustodianWatch, HardwareThatStaysIsNotAskedBetweenItsUses) {
  KeydSite site;
  site.provisioned();
  EXPECT_EQ(site.custodian().next_try(), std::nullopt);
  site.custodian().tick();
  EXPECT_EQ(site.hardware().probes, 0);
  // Nor is one use that fails a reason to give up what is open.
  site.hardware().reachable = false;
  EXPECT_FALSE(site.custodian().sign_leaf(leaf_request()));
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(CustodianWatch, ASignatureThatFailsLocksOnlyWhenTheHardwareIsAway) {
  KeydSite site;
  site.hardware().removable = true;
  Custodian& custodian = site.provisioned();
  site.hardware().fail_signatures = true;
  EXPECT_FALSE(custodian.sign_leaf(leaf_request()));
  EXPECT_EQ(custodian.state(), State::operational);
  site.hardware().fail_signatures = false;
  EXPECT_TRUE(custodian.sign_leaf(leaf_request()));

  site.hardware().reachable = false;
  const auto refused = custodian.sign_leaf(leaf_request());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "the hardware cannot be reached");
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_EQ(custodian.next_try(), 5s);
  site.hardware().reachable = true;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::operational);
}

TEST(CustodianWatch, WithoutKeysThereIsNothingToLookAfter) {
  KeydSite site;
  site.hardware().removable = true;
  EXPECT_EQ(site.custodian().next_try(), std::nullopt);
  site.provisioned();
  ASSERT_TRUE(site.custodian().zeroize({}));
  EXPECT_EQ(site.custodian().next_try(), std::nullopt);
}

}  // namespace
}  // namespace gims::hsm

// What the custodian does when the hardware is unplugged, and when it comes back.
#include <gtest/gtest.h>

#include <optional>

#include "hsm/ca/p256.hpp"
#include "hsm/core/dispatch.hpp"
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

// What a peer is told; nothing: it got what it asked for.
template <class Request>
std::optional<Refusal> ask(KeydSite& site, Role role, Operation operation, const Request& request) {
  Bytes room(max_frame_size);
  Bytes answer_room(max_frame_size);
  Writer writer(room);
  encode(writer, request);
  const auto frame = writer.frame({.operation = operation});
  const auto reply =
      decode_frame(answer(site.custodian(), Roles{} | role, *frame, answer_room).frame);
  EXPECT_TRUE(reply);
  if (reply->header.kind == Kind::reply) return std::nullopt;
  return *decode_refusal(reply->body);
}
std::optional<Refusal> ask_for_a_leaf(KeydSite& site) {
  return ask(site, Role::tlsd, Operation::sign_leaf,
             LeafRequest{.public_key = spki_of(generate_p256()->public_key)});
}

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
  EXPECT_TRUE(ask_for_a_leaf(site));
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(CustodianWatch, ASignatureThatFailsLocksOnlyWhenTheHardwareIsAway) {
  KeydSite site;
  site.hardware().removable = true;
  Custodian& custodian = site.provisioned();
  site.hardware().fail_signatures = true;
  EXPECT_TRUE(ask_for_a_leaf(site));
  EXPECT_EQ(custodian.state(), State::operational);
  site.hardware().fail_signatures = false;
  EXPECT_FALSE(ask_for_a_leaf(site));

  site.hardware().reachable = false;
  const auto refused = ask_for_a_leaf(site);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->text, "the hardware cannot be reached");
  EXPECT_EQ(refused->code, RefusalCode::vault_away);
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_EQ(custodian.next_try(), 5s);
  site.hardware().reachable = true;
  pass_and_tick(site);
  EXPECT_EQ(custodian.state(), State::operational);
}

TEST(CustodianWatch, HardwareWithEdDsaSignsTheEvents) {
  KeydSite site;
  site.hardware().removable = site.hardware().eddsa = true;
  Custodian& custodian = site.provisioned();
  const ServerKeyReply key = custodian.server_key();
  const auto of_hardware = server_key_from_seed(site.hardware().server_seed);
  EXPECT_EQ(key.public_key, of_hardware->published.public_key);
  EXPECT_EQ(key.key_id, of_hardware->published.key_id);
  const Bytes event{'{', '}'};
  const std::vector<BytesView> events{event};
  const auto signatures = custodian.sign_events(events);
  ASSERT_TRUE(signatures) << signatures.error().text;
  EXPECT_TRUE(server_key_verifies(key.public_key, event, signatures->front()));
  EXPECT_EQ(site.hardware().signatures, 1);

  // Which makes it locked when it is away.
  site.hardware().reachable = false;
  EXPECT_TRUE(ask(site, Role::gimsd, Operation::sign_events, std::span<const BytesView>(events)));
  EXPECT_EQ(custodian.state(), State::locked);
  site.hardware().reachable = true;
  pass_and_tick(site);
  EXPECT_EQ(custodian.server_key().public_key, key.public_key);
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

// The steps of ceremonies, before anything is written.
#include "hsm/core/ceremony.hpp"

#include <gtest/gtest.h>

#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;
using test::provision_request;
using test::request;
using test::words_of;

std::string code_of(const auto& result) { return result ? "" : result.error().code; }

class Ceremonies : public ::testing::Test {
 protected:
  void SetUp() override { site_.provisioned(); }
  Custodian& custodian() { return site_.custodian(); }
  [[nodiscard]] const std::string& share(std::size_t i) const { return site_.shares().at(i); }

  KeydSite site_;
};

TEST_F(Ceremonies, SharesAreCountedUntilThereAreEnough) {
  auto now = custodian().begin_ceremony(request(CeremonyKind::renew_ca));
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(now->stage, CeremonyStage::gather);
  EXPECT_EQ(now->generation, 1U);
  EXPECT_TRUE(now->hands_out.groups.empty());
  const std::uint64_t id = now->id;
  EXPECT_EQ(code_of(custodian().finish_ceremony({.id = id})), "GIMS_KEYD_CEREMONY");

  now = custodian().give_share({.id = id, .words = words_of(share(2))});
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(now->taken, CeremonyReply::Taken::accepted);
  const CeremonyReply::Group one_of_two{.group = 0, .threshold = 2, .given = 1};
  EXPECT_EQ(now->groups, std::vector{one_of_two});
  EXPECT_EQ(now->groups_needed, 1);
  now = custodian().give_share({.id = id, .words = words_of(share(2))});
  ASSERT_TRUE(now);
  EXPECT_EQ(now->taken, CeremonyReply::Taken::duplicate);
  EXPECT_EQ(now->stage, CeremonyStage::gather);
  now = custodian().give_share({.id = id, .words = words_of(share(0))});
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(now->stage, CeremonyStage::ready);
  EXPECT_EQ(code_of(custodian().give_share({.id = id, .words = words_of(share(1))})),
            "GIMS_KEYD_CEREMONY");
}

TEST_F(Ceremonies, WhatIsNoShareOfTheSetIsRefusedAndChangesNothing) {
  KeydSite other;
  other.provisioned();
  const auto begun = custodian().begin_ceremony(request(CeremonyKind::reshare));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(custodian().give_share({.id = begun->id, .words = words_of(share(0))}));
  std::string mistyped = share(1);
  mistyped.replace(mistyped.rfind(' '), std::string::npos, share(0).substr(share(0).rfind(' ')));
  for (const std::string& wrong : {std::string("two words"), mistyped, other.shares()[1]}) {
    const auto refused = custodian().give_share({.id = begun->id, .words = words_of(wrong)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_SHARE") << refused.error().text;
    // Nothing of a share is in what goes to the journal. One word alone may be there: "recover".
    const std::string two_words = wrong.substr(0, wrong.find(' ', wrong.find(' ') + 1));
    EXPECT_EQ(refused.error().text.find(two_words), std::string::npos) << refused.error().text;
  }
  const auto now = custodian().give_share({.id = begun->id, .words = words_of(share(1))});
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(now->stage, CeremonyStage::hand_out);
}

TEST_F(Ceremonies, NewSharesAreTypedAgainBeforeTheEnd) {
  KeydSite site;
  CeremonyRequest asked = provision_request();
  asked.confirm = true;
  asked.scheme = {.group_threshold = 2,
                  .groups = {{.threshold = 1, .count = 1}, {.threshold = 2, .count = 3}}};
  auto now = site.custodian().begin_ceremony(std::move(asked));
  ASSERT_TRUE(now) << now.error().text;
  EXPECT_EQ(now->stage, CeremonyStage::hand_out);
  const std::uint64_t id = now->id;
  EXPECT_EQ(code_of(site.custodian().confirm_share(
                {.which = {.id = id, .group = 0, .member = 0}, .words = words_of(share(0))})),
            "GIMS_KEYD_CEREMONY")
      << "before it was shown";
  std::uint16_t done = 0;
  std::string last = share(0);
  for (const auto& [group, members] : {std::pair<std::uint8_t, int>{0, 1}, {1, 3}}) {
    for (std::uint8_t member = 0; member < members; ++member) {
      const ShareRequest which{.id = id, .group = group, .member = member};
      const auto shown = site.custodian().show_share(which);
      ASSERT_TRUE(shown);
      const std::string words(*shown);
      EXPECT_EQ(code_of(site.custodian().confirm_share({.which = which, .words = words_of(last)})),
                "GIMS_KEYD_SHARE");
      EXPECT_EQ(code_of(site.custodian().finish_ceremony({.id = id})), "GIMS_KEYD_CEREMONY");
      now = site.custodian().confirm_share({.which = which, .words = words_of(words)});
      ASSERT_TRUE(now) << now.error().text;
      EXPECT_EQ(now->handed_out, ++done);
      last = words;
    }
  }
  EXPECT_EQ(now->stage, CeremonyStage::ready);
  EXPECT_EQ(code_of(site.custodian().show_share({.id = id, .group = 2, .member = 0})),
            "GIMS_KEYD_REQUEST");
  EXPECT_EQ(code_of(site.custodian().show_share({.id = id, .group = 0, .member = 1})),
            "GIMS_KEYD_REQUEST");
  EXPECT_TRUE(site.custodian().finish_ceremony({.id = id}));
}

TEST_F(Ceremonies, NoNewShareIsShownBeforeTheOldQuorumIsThere) {
  const auto begun = custodian().begin_ceremony(request(CeremonyKind::reshare));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(custodian().give_share({.id = begun->id, .words = words_of(share(0))}));
  EXPECT_EQ(code_of(custodian().show_share({.id = begun->id, .group = 0, .member = 0})),
            "GIMS_KEYD_CEREMONY");
}

TEST_F(Ceremonies, ThereIsOneAtATimeAndItEndsByItself) {
  const auto first = custodian().begin_ceremony(request(CeremonyKind::reshare));
  ASSERT_TRUE(first);
  EXPECT_EQ(custodian().summary(), "operational; a ceremony is going on: reshare");
  const auto second = custodian().begin_ceremony(request(CeremonyKind::renew_ca));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "GIMS_KEYD_CEREMONY");
  EXPECT_NE(second.error().text.find("gims-keyd abort-ceremony"), std::string::npos);

  // Its time is up without anybody asking: the shares are wiped.
  site_.clock().advance(29 * 60'000);
  custodian().tick();  // a checkpoint
  EXPECT_EQ(custodian().next_try(), std::chrono::minutes(1));
  site_.clock().advance(60'000);
  custodian().tick();
  EXPECT_EQ(custodian().summary(), "operational");
  EXPECT_EQ(code_of(custodian().give_share({.id = first->id, .words = words_of(share(0))})),
            "GIMS_KEYD_CEREMONY");

  const auto third = custodian().begin_ceremony(request(CeremonyKind::reshare));
  ASSERT_TRUE(third);
  EXPECT_NE(third->id, first->id);
  EXPECT_EQ(code_of(custodian().give_share({.id = first->id, .words = words_of(share(0))})),
            "GIMS_KEYD_CEREMONY")
      << "of an earlier one";
  custodian().abort_ceremony();
  EXPECT_EQ(code_of(custodian().finish_ceremony({.id = third->id})), "GIMS_KEYD_CEREMONY");
}

TEST_F(Ceremonies, EachKindHasItsStates) {
  using enum CeremonyKind;
  const auto kinds_in = [](Custodian& custodian) {
    std::vector<CeremonyKind> kinds;
    for (const CeremonyKind kind : {provision, reshare, restore, accept, renew_ca}) {
      CeremonyRequest asked = request(kind);
      asked.replace = true;
      const auto begun = custodian.begin_ceremony(std::move(asked));
      custodian.abort_ceremony();
      if (begun || begun.error().code != "GIMS_KEYD_STATE") kinds.push_back(kind);
    }
    return kinds;
  };
  EXPECT_EQ(kinds_in(custodian()), (std::vector{reshare, renew_ca}));
  site_.hardware().reachable = false;
  EXPECT_EQ(kinds_in(site_.restart()), (std::vector{restore, accept}));
  site_.hardware().reachable = true;
  site_.restart();
  ASSERT_TRUE(custodian().zeroize({}));
  EXPECT_EQ(kinds_in(custodian()), (std::vector{provision, restore}));
  KeydSite fresh;
  EXPECT_EQ(kinds_in(fresh.custodian()), (std::vector{provision, restore}));
}

TEST_F(Ceremonies, ASchemeThatCannotBeIsRefusedAtOnce) {
  for (const ShareScheme& scheme :
       {ShareScheme{.group_threshold = 1, .groups = {{.threshold = 1, .count = 2}}},
        ShareScheme{.group_threshold = 2, .groups = {{.threshold = 2, .count = 2}}},
        ShareScheme{.group_threshold = 1, .groups = {{.threshold = 4, .count = 3}}},
        ShareScheme{.group_threshold = 1, .groups = {}}}) {
    CeremonyRequest asked = request(CeremonyKind::reshare);
    asked.scheme = scheme;
    EXPECT_EQ(code_of(custodian().begin_ceremony(std::move(asked))), "GIMS_KEYD_REQUEST");
  }
  EXPECT_EQ(custodian().summary(), "operational");
}

TEST_F(Ceremonies, ZeroizingEndsThem) {
  const auto begun = custodian().begin_ceremony(request(CeremonyKind::reshare));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(custodian().zeroize({}));
  EXPECT_EQ(code_of(custodian().give_share({.id = begun->id, .words = words_of(share(0))})),
            "GIMS_KEYD_CEREMONY");
}

}  // namespace
}  // namespace gims::hsm

#include "hsm/slip39/collector.hpp"

#include <gtest/gtest.h>

#include "support/slip39_shares.hpp"

namespace gims::hsm::slip39 {
namespace {

using Taken = Collector::Taken;

class CollectorTest : public testing::Test {
 protected:
  static test::Texts shares(std::uint8_t first) {
    // Two of three groups: two of three members, one, three of four.
    return test::texts_of(test::secret_from(first, 16), {},
                          {.group_threshold = 2,
                           .groups = {{.threshold = 2, .count = 3},
                                      {.threshold = 1, .count = 1},
                                      {.threshold = 3, .count = 4}},
                           .iteration_exponent = 0});
  }
  // "accepted", "duplicate", "surplus", or the code of the refusal.
  std::string add(std::string_view text) {
    const auto taken = collector.add(text);
    if (!taken) return taken.error().code;
    if (*taken == Taken::accepted) return "accepted";
    return *taken == Taken::duplicate ? "duplicate" : "surplus";
  }
  // "1 more: 0 1/2, 2 3/3": further groups, then what there is of each.
  [[nodiscard]] std::string progress() const {
    const auto now = collector.progress();
    std::string text = std::to_string(now.groups_needed) + " more";
    for (const auto& group : now.groups) {
      text += (&group == now.groups.data() ? ": " : ", ") + std::to_string(group.group) + " " +
              std::to_string(group.given) + "/" + std::to_string(group.threshold);
    }
    return text;
  }

  test::Texts texts = shares(1);
  Collector collector;
};

TEST_F(CollectorTest, SaysWhatIsStillNeededUntilTheQuorumIsThere) {
  EXPECT_EQ(progress(), "0 more");
  EXPECT_FALSE(collector.complete());
  EXPECT_EQ(collector.done({}).error().code, "GIMS_SLIP39_QUORUM");
  EXPECT_FALSE(collector.set());
  EXPECT_EQ(add(texts[2][3]), "accepted");
  EXPECT_EQ(collector.set(), decode(texts[0][0])->set);
  EXPECT_EQ(progress(), "2 more: 2 1/3");
  EXPECT_EQ(add(texts[0][2]), "accepted");
  EXPECT_EQ(progress(), "2 more: 0 1/2, 2 1/3");
  EXPECT_EQ(collector.progress().groups[1].needed(), 2);
  EXPECT_EQ(add(texts[2][0]), "accepted");
  EXPECT_EQ(add(texts[2][2]), "accepted");
  EXPECT_EQ(progress(), "1 more: 0 1/2, 2 3/3");
  EXPECT_FALSE(collector.complete());
  EXPECT_EQ(collector.done({}).error().code, "GIMS_SLIP39_QUORUM");
  EXPECT_EQ(add(texts[0][0]), "accepted");
  EXPECT_EQ(progress(), "0 more: 0 2/2, 2 3/3");
  EXPECT_TRUE(collector.complete());
  EXPECT_TRUE(test::same_secret(collector.done({}), test::secret_from(1, 16)));
}

TEST_F(CollectorTest, GroupsThatWereBegunAndNotNeededDoNotHinder) {
  EXPECT_EQ(add(texts[2][3]), "accepted");
  EXPECT_EQ(add(texts[2][1]), "accepted");
  EXPECT_EQ(add(texts[1][0]), "accepted");
  EXPECT_EQ(add(texts[0][2]), "accepted");
  EXPECT_EQ(progress(), "1 more: 0 1/2, 1 1/1, 2 2/3");
  EXPECT_EQ(add(texts[0][0]), "accepted");
  EXPECT_EQ(progress(), "0 more: 0 2/2, 1 1/1");
  EXPECT_EQ(add(texts[2][2]), "surplus");
  EXPECT_TRUE(test::same_secret(collector.done({}), test::secret_from(1, 16)));
}

TEST_F(CollectorTest, ATwiceGivenShareCountsOnce) {
  EXPECT_EQ(add(texts[0][1]), "accepted");
  EXPECT_EQ(add(texts[0][1]), "duplicate");
  EXPECT_EQ(progress(), "2 more: 0 1/2");
  EXPECT_EQ(add(texts[0][2]), "accepted");
  EXPECT_EQ(add(texts[0][0]), "surplus");
  EXPECT_EQ(progress(), "1 more: 0 2/2");
  EXPECT_EQ(add(texts[0][2]), "duplicate");
}

TEST_F(CollectorTest, AShareOfAnotherSetIsRefused) {
  EXPECT_EQ(add(texts[0][1]), "accepted");
  test::Texts others = shares(2);
  while (decode(others[0][0])->set == decode(texts[0][0])->set) others = shares(2);
  EXPECT_EQ(add(others[0][0]), "GIMS_SLIP39_SET");
  // Of another length, with everything else as it should be.
  Share longer = *decode(texts[1][0]);
  longer.value = test::secret_from(0, 18);
  EXPECT_EQ(add(encode(longer)->reveal()), "GIMS_SLIP39_SET");
  EXPECT_EQ(progress(), "2 more: 0 1/2");
}

TEST_F(CollectorTest, AShareThatContradictsAnEarlierOneIsRefused) {
  EXPECT_EQ(add(texts[0][1]), "accepted");
  Share forged = *decode(texts[0][1]);
  forged.value.writable()[0] ^= 1U;
  EXPECT_EQ(add(encode(forged)->reveal()), "GIMS_SLIP39_SET");
  Share of_three = *decode(texts[0][2]);
  of_three.threshold = 3;
  EXPECT_EQ(add(encode(of_three)->reveal()), "GIMS_SLIP39_SET");
  EXPECT_EQ(progress(), "2 more: 0 1/2");
}

TEST_F(CollectorTest, MistakesAreToldWithoutTheWords) {
  EXPECT_EQ(add(texts[0][0] + " acid"), "GIMS_SLIP39_WORDS");
  const std::string start = texts[0][0].substr(0, texts[0][0].rfind(' '));
  const auto unknown = collector.add(start + " aciid");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "GIMS_SLIP39_WORDS");
  EXPECT_EQ(unknown.error().text, "Word 20 is not in the list of words.");
  const std::string last = texts[0][0].substr(start.size() + 1);
  EXPECT_EQ(add(start + (last == "acid" ? " acne" : " acid")), "GIMS_SLIP39_CHECKSUM");
  EXPECT_EQ(progress(), "0 more");
  EXPECT_EQ(add(texts[0][0]), "accepted");
}

TEST_F(CollectorTest, AForgedShareIsFoundAtTheEnd) {
  Share forged = *decode(texts[0][1]);
  forged.value.writable()[0] ^= 1U;
  EXPECT_EQ(add(encode(forged)->reveal()), "accepted");
  EXPECT_EQ(add(texts[1][0]), "accepted");
  EXPECT_EQ(add(texts[0][0]), "accepted");
  EXPECT_EQ(collector.done({}).error().code, "GIMS_SLIP39_DIGEST");
}

}  // namespace
}  // namespace gims::hsm::slip39

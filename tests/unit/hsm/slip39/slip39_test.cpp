#include "hsm/slip39/slip39.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/slip39_shares.hpp"

namespace gims::hsm::slip39 {
namespace {

using test::choices;
using test::combine_texts;
using test::same_secret;
using test::secret_from;
using test::secret_text;
using test::texts_of;

// Two of three groups: two of three members, one, three of four.
Scheme some_scheme() {
  return {.group_threshold = 2,
          .groups = {{.threshold = 2, .count = 3},
                     {.threshold = 1, .count = 1},
                     {.threshold = 3, .count = 4}},
          .iteration_exponent = 0};
}
Scheme single_group(std::uint8_t threshold, std::uint8_t count) {
  return {.group_threshold = 1,
          .groups = {{.threshold = threshold, .count = count}},
          .iteration_exponent = 0};
}

std::size_t words_in(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, ' ')) + 1;
}

TEST(Slip39, AnyQuorumOfMembersGivesTheSecret) {
  const SecretBytes secret = secret_from(1, 32);
  const SecretBytes passphrase = secret_text("open");
  const auto texts = texts_of(secret, passphrase, single_group(3, 5));
  ASSERT_EQ(texts.size(), 1U);
  ASSERT_EQ(texts[0].size(), 5U);
  for (auto chosen : choices(texts[0], 3)) {
    EXPECT_TRUE(same_secret(combine_texts(chosen, passphrase), secret));
    std::ranges::reverse(chosen);
    EXPECT_TRUE(same_secret(combine_texts(chosen, passphrase), secret));
  }
}

TEST(Slip39, AnyQuorumOfGroupsGivesTheSecret) {
  const SecretBytes secret = secret_from(7, 16);
  const SecretBytes passphrase = secret_text("");
  const Scheme scheme = some_scheme();
  const auto texts = texts_of(secret, passphrase, scheme);
  ASSERT_EQ(texts.size(), 3U);
  int quorums = 0;
  for (const auto& groups : choices<std::size_t>({0, 1, 2}, 2)) {
    for (const auto& first : choices(texts[groups[0]], scheme.groups[groups[0]].threshold)) {
      for (const auto& second : choices(texts[groups[1]], scheme.groups[groups[1]].threshold)) {
        std::vector<std::string> quorum = second;
        quorum.insert(quorum.end(), first.begin(), first.end());
        EXPECT_TRUE(same_secret(combine_texts(quorum, passphrase), secret));
        ++quorums;
      }
    }
  }
  EXPECT_EQ(quorums, 3 * 1 + 3 * 4 + 1 * 4);
}

TEST(Slip39, OneFewerThanAQuorumOrOneMoreIsRefused) {
  const SecretBytes passphrase = secret_text("x");
  const auto texts = texts_of(secret_from(1, 16), passphrase, some_scheme());
  ASSERT_EQ(texts.size(), 3U);
  const auto code = [&](const std::vector<std::string>& some) {
    const auto combined = combine_texts(some, passphrase);
    return combined ? "a secret" : combined.error().code;
  };
  EXPECT_EQ(code({}), "GIMS_SLIP39_QUORUM");
  EXPECT_EQ(code({texts[1][0]}), "GIMS_SLIP39_QUORUM");
  for (const auto& member : texts[0]) EXPECT_EQ(code({texts[1][0], member}), "GIMS_SLIP39_QUORUM");
  for (auto two : choices(texts[2], 2)) {
    two.push_back(texts[1][0]);
    EXPECT_EQ(code(two), "GIMS_SLIP39_QUORUM");
  }
  for (const auto& two : choices(texts[0], 2)) EXPECT_EQ(code(two), "GIMS_SLIP39_QUORUM");
  EXPECT_EQ(code({texts[1][0], texts[0][0], texts[0][1], texts[0][2]}), "GIMS_SLIP39_QUORUM");
  EXPECT_EQ(code({texts[1][0], texts[0][0], texts[0][1], texts[2][0], texts[2][1], texts[2][2]}),
            "GIMS_SLIP39_QUORUM");
  EXPECT_EQ(code({texts[1][0], texts[0][0], texts[0][0]}), "GIMS_SLIP39_SET");
}

TEST(Slip39, RoundTripsOfManySchemes) {
  std::minstd_rand random(3);  // NOLINT(cert-msc51-cpp): the same at every run
  const auto within = [&](std::size_t least, std::size_t most) {
    return static_cast<std::uint8_t>(least + (random() >> 8U) % (most - least + 1));
  };
  for (int run = 0; run < 40; ++run) {
    Scheme scheme{
        .group_threshold = 1, .groups = {}, .iteration_exponent = 0, .extendable = run % 2 == 0};
    const std::size_t groups = run == 0 ? max_groups : within(1, 5);
    for (std::size_t i = 0; i < groups; ++i) {
      const std::uint8_t count = run == 0 ? max_members : within(1, max_members);
      scheme.groups.push_back(
          {.threshold = count == 1 ? std::uint8_t{1} : within(2, count), .count = count});
    }
    scheme.group_threshold = within(1, groups);
    const std::size_t size = min_secret + 2 * (static_cast<std::size_t>(run) % 9);
    const SecretBytes secret = *SecretBytes::random(size);
    const SecretBytes passphrase = secret_text(std::string(static_cast<std::size_t>(run), 'p'));
    auto texts = texts_of(secret, passphrase, scheme);
    ASSERT_EQ(texts.size(), groups);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < groups; ++i) order.push_back(i);
    std::ranges::shuffle(order, random);
    order.resize(scheme.group_threshold);
    std::vector<std::string> quorum;
    for (const std::size_t group : order) {
      ASSERT_EQ(texts[group].size(), scheme.groups[group].count);
      std::ranges::shuffle(texts[group], random);
      quorum.insert(quorum.end(), texts[group].begin(),
                    texts[group].begin() + scheme.groups[group].threshold);
    }
    EXPECT_TRUE(same_secret(combine_texts(quorum, passphrase), secret)) << "run " << run;
  }
}

TEST(Slip39, AShareHasTheWordsThatItsLengthAsksFor) {
  const std::vector<std::size_t> expected{20, 22, 23, 25, 27, 28, 30, 31, 33};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const SecretBytes secret = secret_from(0, min_secret + 2 * i);
    const auto texts = texts_of(secret, {}, single_group(2, 2));
    ASSERT_EQ(texts.size(), 1U);
    EXPECT_EQ(words_in(texts[0][0]), expected[i]);
    EXPECT_EQ(words_in(texts[0][1]), expected[i]);
    EXPECT_TRUE(same_secret(combine_texts(texts[0], {}), secret));
  }
}

TEST(Slip39, TheExponentCountsAndIsKept) {
  const SecretBytes secret = secret_from(9, 16);
  const SecretBytes passphrase = secret_text("p");
  for (std::uint8_t exponent = 0; exponent <= max_iteration_exponent; ++exponent) {
    Scheme scheme = single_group(1, 1);
    scheme.iteration_exponent = exponent;
    auto share = decode(texts_of(secret, passphrase, scheme)[0][0]);
    ASSERT_TRUE(share);
    EXPECT_EQ(share->set.iteration_exponent, exponent);
    EXPECT_TRUE(same_secret(combine({&*share, 1}, passphrase), secret));
    share->set.iteration_exponent = exponent == 0 ? 1 : 0;
    EXPECT_FALSE(same_secret(combine({&*share, 1}, passphrase), secret));
  }
}

TEST(Slip39, AWrongPassphraseGivesAnotherSecret) {
  const SecretBytes secret = secret_from(1, 32);
  const auto texts = texts_of(secret, secret_text("right"), single_group(2, 2));
  const auto other = combine_texts(texts[0], secret_text("Right"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->size(), 32U);
  EXPECT_FALSE(same_secret(other, secret));
  EXPECT_FALSE(same_secret(combine_texts(texts[0], {}), secret));
  EXPECT_TRUE(same_secret(combine_texts(texts[0], secret_text("right")), secret));
}

TEST(Slip39, NoShareOfAQuorumHoldsTheSecretOrIsAlikeAtTheNextSplitting) {
  const SecretBytes secret = secret_from(1, 32);
  const auto once = texts_of(secret, {}, single_group(2, 3));
  const auto again = texts_of(secret, {}, single_group(2, 3));
  for (std::size_t i = 0; i < 3; ++i) {
    const auto share = decode(once[0][i]);
    const auto later = decode(again[0][i]);
    ASSERT_TRUE(share && later);
    EXPECT_FALSE(equal_in_constant_time(share->value.bytes(), secret.bytes()));
    EXPECT_FALSE(equal_in_constant_time(share->value.bytes(), later->value.bytes()));
  }
}

TEST(Slip39, AnotherWordInAnyPlaceIsRefused) {
  for (const bool extendable : {false, true}) {
    Scheme scheme = single_group(2, 2);
    scheme.extendable = extendable;
    const std::string text = texts_of(secret_from(5, 32), {}, scheme)[0][0];
    std::size_t from = 0;
    for (std::size_t place = 0; place < max_words; ++place) {
      const std::size_t to = std::min(text.find(' ', from), text.size());
      for (const std::string other : {"academic", "judicial", "zero", "mason"}) {
        std::string changed = text;
        changed.replace(from, to - from, other);
        if (changed == text) continue;
        const auto share = decode(changed);
        ASSERT_FALSE(share) << place << ": " << other;
        EXPECT_EQ(share.error().code, "GIMS_SLIP39_CHECKSUM");
      }
      from = to + 1;
    }
  }
}

TEST(Slip39, WordsInAnotherOrderAreRefused) {
  const Share share{.set = {.identifier = 77}, .value = secret_from(5, 16)};
  const std::string text(encode(share)->reveal());
  // The sixth and the seventh word change places.
  std::vector<std::size_t> spaces;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') spaces.push_back(i);
  }
  const std::string sixth = text.substr(spaces[4], spaces[5] - spaces[4]);
  const std::string seventh = text.substr(spaces[5], spaces[6] - spaces[5]);
  ASSERT_NE(sixth, seventh);
  const std::string changed = text.substr(0, spaces[4]) + seventh + sixth + text.substr(spaces[6]);
  ASSERT_EQ(changed.size(), text.size());
  EXPECT_EQ(decode(changed).error().code, "GIMS_SLIP39_CHECKSUM");
}

TEST(Slip39, AMissingWordIsToldAsSuch) {
  for (std::size_t size = min_secret; size <= max_secret; size += 2) {
    const Share share{.set = {.identifier = 77}, .value = secret_from(5, size)};
    std::string text(encode(share)->reveal());
    text.resize(text.rfind(' '));
    const auto missing = decode(text);
    ASSERT_FALSE(missing) << size;
    // 23 and 28, 31 less one are 22, 27 and 30, which others have.
    const bool other = size == 20 || size == 26 || size == 30;
    EXPECT_EQ(missing.error().code, other ? "GIMS_SLIP39_CHECKSUM" : "GIMS_SLIP39_WORDS") << size;
  }
}

TEST(Slip39, SharesOfTwoSetsDoNotMix) {
  const SecretBytes secret = secret_from(1, 16);
  const auto one = texts_of(secret, {}, single_group(2, 3));
  // Another set has another identifier but for one time in 32,768, which is not for a test.
  auto two = texts_of(secret, {}, single_group(2, 3));
  while (decode(one[0][0])->set == decode(two[0][0])->set) {
    two = texts_of(secret, {}, single_group(2, 3));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const auto mixed = combine_texts({one[0][i], two[0][j]}, {});
      ASSERT_FALSE(mixed);
      EXPECT_EQ(mixed.error().code, "GIMS_SLIP39_SET");
    }
  }
}

TEST(Slip39, SharesOfTwoSetsWithOneIdentifierDoNotMixEither) {
  const auto one = texts_of(secret_from(1, 16), {}, single_group(2, 3));
  const auto two = texts_of(secret_from(2, 16), {}, single_group(2, 3));
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      if (i == j) continue;
      std::vector<Share> shares;
      shares.push_back(*decode(one[0][i]));
      shares.push_back(*decode(two[0][j]));
      shares[1].set.identifier = shares[0].set.identifier;
      const auto mixed = combine(shares, {});
      ASSERT_FALSE(mixed);
      EXPECT_EQ(mixed.error().code, "GIMS_SLIP39_DIGEST");
    }
  }
}

TEST(Slip39, OneBitOfAForgedShareIsNoticed) {
  const auto texts = texts_of(secret_from(1, 16), {}, single_group(3, 3));
  for (std::size_t bit = 0; bit < 128; ++bit) {
    std::vector<Share> shares;
    for (const std::string& text : texts[0]) shares.push_back(*decode(text));
    shares[bit % 3].value.writable()[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto combined = combine(shares, {});
    ASSERT_FALSE(combined) << bit;
    EXPECT_EQ(combined.error().code, "GIMS_SLIP39_DIGEST");
  }
}

TEST(Slip39, AShareThatContradictsItselfIsNeitherWrittenNorUsed) {
  const std::string text = texts_of(secret_from(1, 16), {}, single_group(1, 1))[0][0];
  ASSERT_TRUE(encode(*decode(text)));
  const auto refused = [&](auto change) {
    Share share = *decode(text);
    change(share);
    const auto written = encode(share);
    const auto used = combine({&share, 1}, {});
    return !written && written.error().code == "GIMS_SLIP39_SHARE" && !used &&
           used.error().code == "GIMS_SLIP39_SHARE";
  };
  EXPECT_TRUE(refused([](Share& share) { share.set.identifier = 0x8000; }));
  EXPECT_TRUE(refused([](Share& share) { share.set.iteration_exponent = 6; }));
  EXPECT_TRUE(refused([](Share& share) { share.set.group_count = 0; }));
  EXPECT_TRUE(refused([](Share& share) { share.set.group_count = 17; }));
  EXPECT_TRUE(refused([](Share& share) { share.set.group_threshold = 0; }));
  EXPECT_TRUE(refused([](Share& share) { share.set.group_threshold = 2; }));
  EXPECT_TRUE(refused([](Share& share) { share.group = 1; }));
  EXPECT_TRUE(refused([](Share& share) { share.member = 16; }));
  EXPECT_TRUE(refused([](Share& share) { share.threshold = 0; }));
  EXPECT_TRUE(refused([](Share& share) { share.threshold = 17; }));
  EXPECT_TRUE(refused([](Share& share) { share.value = secret_from(0, 14); }));
  EXPECT_TRUE(refused([](Share& share) { share.value = secret_from(0, 17); }));
  EXPECT_TRUE(refused([](Share& share) { share.value = secret_from(0, 34); }));
}

TEST(Slip39, ASchemeOrSecretOutsideOfTheLimitsIsRefused) {
  const auto code = [](const Scheme& scheme, std::size_t size) {
    const auto shares = split(secret_from(0, size), {}, scheme);
    return shares ? "shares" : shares.error().code;
  };
  ASSERT_EQ(code(single_group(2, 3), 16), "shares");
  for (const std::size_t size : {0U, 14U, 15U, 17U, 31U, 33U, 34U}) {
    EXPECT_EQ(code(single_group(2, 3), size), "GIMS_SLIP39_SCHEME") << size;
  }
  for (const auto& [threshold, count] : std::vector<std::pair<std::uint8_t, std::uint8_t>>{
           {0, 1}, {0, 0}, {1, 0}, {2, 1}, {1, 2}, {17, 17}, {2, 17}}) {
    EXPECT_EQ(code(single_group(threshold, count), 16), "GIMS_SLIP39_SCHEME")
        << +threshold << " of " << +count;
  }
  const auto with_groups = [](std::uint8_t threshold, std::size_t groups) {
    return Scheme{.group_threshold = threshold,
                  .groups = std::vector<Group>(groups),
                  .iteration_exponent = 0};
  };
  EXPECT_EQ(code(with_groups(16, 16), 16), "shares");
  for (const auto& [threshold, groups] :
       std::vector<std::pair<std::uint8_t, std::size_t>>{{0, 0}, {1, 0}, {0, 1}, {2, 1}, {1, 17}}) {
    EXPECT_EQ(code(with_groups(threshold, groups), 16), "GIMS_SLIP39_SCHEME")
        << +threshold << " of " << groups;
  }
  Scheme slow = single_group(2, 3);
  slow.iteration_exponent = max_iteration_exponent + 1;
  EXPECT_EQ(code(slow, 16), "GIMS_SLIP39_SCHEME");
}

TEST(Slip39, APassphraseIsOfPrintableAscii) {
  const SecretBytes secret = secret_from(0, 16);
  const auto texts = texts_of(secret, {}, single_group(1, 1));
  for (const std::string& wrong :
       {std::string(max_passphrase + 1, 'a'), std::string("a\x1f"), std::string("\x7f"),
        std::string("\xc3\xa9"), std::string(1, '\0'), std::string("line\n")}) {
    const auto shares = split(secret, secret_text(wrong), single_group(1, 1));
    ASSERT_FALSE(shares);
    EXPECT_EQ(shares.error().code, "GIMS_SLIP39_PASSPHRASE");
    const auto combined = combine_texts(texts[0], secret_text(wrong));
    ASSERT_FALSE(combined);
    EXPECT_EQ(combined.error().code, "GIMS_SLIP39_PASSPHRASE");
  }
  const SecretBytes longest = secret_text(" ~" + std::string(max_passphrase - 2, 'a'));
  EXPECT_TRUE(same_secret(combine_texts(texts_of(secret, longest, single_group(2, 2))[0], longest),
                          secret));
}

}  // namespace
}  // namespace gims::hsm::slip39

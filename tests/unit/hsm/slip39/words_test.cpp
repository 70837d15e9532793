#include "hsm/slip39/words.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>

#include "hsm/slip39/rs1024.hpp"
#include "hsm/slip39/wordlist.hpp"

namespace gims::hsm::slip39 {
namespace {

std::string word(std::size_t number) {
  std::string letters;
  for (std::uint64_t rest = words[number]; rest != 0; rest >>= 8U) {
    letters += static_cast<char>(rest & 0xffU);
  }
  return letters;
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += std::string(i > 0 ? " " : "") + std::string(text);
  return all;
}

std::string refusal(std::string_view typed) {
  const auto numbers = numbers_of(typed);
  if (numbers) return "taken";
  EXPECT_EQ(numbers.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(numbers.error().code, "GIMS_SLIP39_WORDS");
  EXPECT_EQ(numbers.error().detail, "");
  return numbers.error().text;
}

TEST(Slip39Words, AreThePublishedList) {
  std::string text;
  std::set<std::string> starts;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += word(i) + "\n";
    starts.insert(word(i).substr(0, 4));
  }
  EXPECT_EQ(starts.size(), words.size());
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  EXPECT_STREQ(hex.data(), "bcc4555340332d169718aed8bf31dd9d5248cb7da6e5d355140ef4f1e601eec3");
}

TEST(Slip39Words, EveryNumberComesBackFromItsWord) {
  for (std::size_t first = 0; first < words.size(); first += 32) {
    auto numbers = *WordNumbers::zeroed(32);
    std::string expected;
    for (std::size_t i = 0; i < 32; ++i) {
      numbers.set(i, static_cast<std::uint32_t>(first + i));
      expected += (i > 0 ? " " : "") + word(first + i);
    }
    const auto text = text_of(numbers);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->reveal(), expected);
    const auto back = numbers_of(text->reveal());
    ASSERT_TRUE(back);
    ASSERT_EQ(back->size(), 32U);
    for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(back->at(i), first + i);
  }
}

TEST(Slip39Words, TheLongestTextFits) {
  auto numbers = *WordNumbers::zeroed(max_words);
  for (std::size_t i = 0; i < max_words; ++i) numbers.set(i, 0);  // "academic", of eight letters
  EXPECT_EQ(text_of(numbers)->reveal(), repeated("academic", max_words));
}

TEST(Slip39Words, SpacesLinesAndCapitalsAreTakenAsTheyAreTyped) {
  std::string typed =
      " \n\t" + repeated("academic", 10) + "\r\n\r\n  ACID Acne\t" + repeated("zero", 8) + "  \n";
  const auto numbers = numbers_of(typed);
  ASSERT_TRUE(numbers);
  ASSERT_EQ(numbers->size(), 20U);
  EXPECT_EQ(numbers->at(9), 0U);
  EXPECT_EQ(numbers->at(10), 1U);
  EXPECT_EQ(numbers->at(11), 2U);
  EXPECT_EQ(numbers->at(12), 1023U);
}

TEST(Slip39Words, AnUnknownOneIsNamedByItsPlaceAlone) {
  const std::string good = repeated("academic", 19);
  EXPECT_EQ(refusal(good + " mistaken"), "Word 20 is not in the list of words.");
  EXPECT_EQ(refusal("acadamic wrong " + repeated("acid", 17) + " lost"),
            "Words 1, 2 and 20 are not in the list of words.");
  EXPECT_EQ(refusal("a b " + repeated("acid", 18)), "Words 1 and 2 are not in the list of words.");
  // A part of a word, a word with more, two in one, other bytes.
  for (const std::string wrong :
       {"acad", "academics", "acidacid", "acid.", "ac-id", "ac1d", "acid\x01",
        "\xc3\xa4"
        "cid",
        "acide", "cademic", "@", "acid{", "[acid"}) {
    EXPECT_EQ(refusal(good + " " + wrong), "Word 20 is not in the list of words.") << wrong;
  }
  EXPECT_EQ(refusal(good + " acid" + std::string(1, '\0')), "Word 20 is not in the list of words.");
  EXPECT_EQ(refusal(good + " " + std::string(200, 'a')), "Word 20 is not in the list of words.");
  // What a word with a strange letter in it would be without that.
  EXPECT_EQ(refusal(good + " a_cid"), "Word 20 is not in the list of words.");
}

TEST(Slip39Words, AreTwentyToThirtyThree) {
  EXPECT_EQ(refusal(""), "A share has 20 to 33 words; these are 0.");
  EXPECT_EQ(refusal("  \n "), "A share has 20 to 33 words; these are 0.");
  EXPECT_EQ(refusal(repeated("acid", 19)), "A share has 20 to 33 words; these are 19.");
  EXPECT_EQ(refusal(repeated("acid", 20)), "taken");
  EXPECT_EQ(refusal(repeated("acid", 33)), "taken");
  EXPECT_EQ(refusal(repeated("acid", 34)), "A share has 20 to 33 words; these are 34.");
  EXPECT_EQ(refusal(repeated("a", 512)), "A share has 20 to 33 words; these are 512.");
  EXPECT_EQ(refusal(std::string(max_text - 99, ' ') + repeated("acid", 20)), "taken");
  EXPECT_EQ(refusal(std::string(max_text - 98, ' ') + repeated("acid", 20)),
            "A share has at most 33 words.");
}

class Rs1024 : public testing::TestWithParam<bool> {};

WordNumbers checked(std::size_t count, bool extendable, std::minstd_rand& random) {
  auto numbers = *WordNumbers::zeroed(count);
  for (std::size_t i = 0; i < count; ++i) {
    numbers.set(i, static_cast<std::uint32_t>(random() >> 8U) % 1024);
  }
  write_checksum(numbers, extendable);
  return numbers;
}

TEST_P(Rs1024, NoticesEveryOtherWordInEveryPlace) {
  std::minstd_rand random(1);  // NOLINT(cert-msc51-cpp): the same at every run
  for (const std::size_t count : {min_words, max_words}) {
    WordNumbers numbers = checked(count, GetParam(), random);
    ASSERT_TRUE(checksum_holds(numbers, GetParam()));
    EXPECT_FALSE(checksum_holds(numbers, !GetParam()));
    for (std::size_t place = 0; place < count; ++place) {
      const std::uint32_t right = numbers.at(place);
      for (std::uint32_t other = 0; other < 1024; ++other) {
        numbers.set(place, other);
        ASSERT_EQ(checksum_holds(numbers, GetParam()), other == right) << place << ": " << other;
      }
      numbers.set(place, right);
    }
  }
}

TEST_P(Rs1024, NoticesTwoAndThreeOtherWords) {
  std::minstd_rand random(2);  // NOLINT(cert-msc51-cpp)
  for (int run = 0; run < 20'000; ++run) {
    WordNumbers numbers = checked(run % 2 == 0 ? min_words : max_words, GetParam(), random);
    std::set<std::size_t> places;
    while (places.size() < (run % 4 < 2 ? 2U : 3U)) {
      places.insert((random() >> 8U) % numbers.size());
    }
    for (const std::size_t place : places) {
      numbers.set(place, (numbers.at(place) + 1 + (random() >> 8U) % 1023) % 1024);
    }
    ASSERT_FALSE(checksum_holds(numbers, GetParam())) << run;
  }
}

INSTANTIATE_TEST_SUITE_P(Labels, Rs1024, testing::Bool());

}  // namespace
}  // namespace gims::hsm::slip39

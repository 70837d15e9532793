#include "api/client/media_headers.hpp"

#include <gtest/gtest.h>

namespace gims::api::client {
namespace {

std::string told(std::string_view field, std::uint64_t size) {
  const RangeChoice choice = choose_range(field, size);
  if (choice.kind == RangeKind::whole) return "whole";
  if (choice.kind == RangeKind::unsatisfiable) return "unsatisfiable";
  return std::to_string(choice.range.first) + "+" + std::to_string(choice.range.length);
}

// RFC 9110, section 14.1.2: the examples are of a file of 10,000 bytes.
TEST(ChooseRange, TakesWhatTheStandardShows) {
  EXPECT_EQ(told("bytes=0-499", 10'000), "0+500");
  EXPECT_EQ(told("bytes=500-999", 10'000), "500+500");
  EXPECT_EQ(told("bytes=-500", 10'000), "9500+500");
  EXPECT_EQ(told("bytes=9500-", 10'000), "9500+500");
  EXPECT_EQ(told("bytes=0-0", 10'000), "0+1");
}

TEST(ChooseRange, EndsWithTheFile) {
  EXPECT_EQ(told("bytes=9000-20000", 10'000), "9000+1000");
  EXPECT_EQ(told("bytes=-20000", 10'000), "0+10000");
  EXPECT_EQ(told("bytes=0-99999999999999999999999", 10'000), "0+10000");
  EXPECT_EQ(told("bytes=0-18446744073709551615", 10'000), "0+10000");
}

TEST(ChooseRange, SaysWhatCannotBe) {
  EXPECT_EQ(told("bytes=10000-", 10'000), "unsatisfiable");
  EXPECT_EQ(told("bytes=99999999999999999999999-", 10'000), "unsatisfiable");
  EXPECT_EQ(told("bytes=-0", 10'000), "unsatisfiable");
  EXPECT_EQ(told("bytes=0-", 0), "unsatisfiable");
  EXPECT_EQ(told("bytes=-5", 0), "unsatisfiable");
}

TEST(ChooseRange, PassesOverWhatItDoesNotKnow) {
  for (const auto* field :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=5-4", "bytes=a-b", "bytes=+1-2",
        "bytes=0x1-", "bytes=1-2-3", "bytes=0-1,4-5", "lines=0-1", "bytes= 0-1"}) {
    EXPECT_EQ(told(field, 100), "whole") << field;
  }
}

TEST(ContentDisposition, QuotesOrEncodesTheName) {
  EXPECT_EQ(content_disposition(true, std::nullopt), "inline");
  EXPECT_EQ(content_disposition(false, ""), "attachment");
  EXPECT_EQ(content_disposition(true, "plan.png"), R"(inline; filename="plan.png")");
  EXPECT_EQ(content_disposition(false, R"(a"; b\c)"), R"(attachment; filename="a\"; b\\c")");
  // RFC 8187, section 3.2.3.
  EXPECT_EQ(content_disposition(false, "\u00a3 and \u20ac rates"),
            "attachment; filename*=utf-8''%C2%A3%20and%20%E2%82%AC%20rates");
  EXPECT_EQ(content_disposition(false, "a\r\nSet-Cookie: b"),
            "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20b");
}

TEST(ContentTypes, OnlyHarmlessOnesAreInline) {
  EXPECT_TRUE(may_be_inline(essence_of("image/PNG")));
  EXPECT_TRUE(may_be_inline(essence_of("text/plain ; charset=utf-8")));
  EXPECT_TRUE(may_be_inline("application/json"));
  EXPECT_TRUE(may_be_inline("video/webm"));
  EXPECT_FALSE(may_be_inline("text/html"));
  EXPECT_FALSE(may_be_inline("image/svg+xml"));
  EXPECT_FALSE(may_be_inline("application/octet-stream"));
  EXPECT_FALSE(may_be_inline(""));
  EXPECT_TRUE(may_be_thumbnail("image/webp"));
  EXPECT_FALSE(may_be_thumbnail("image/avif"));
}

TEST(ContentTypes, WhatCannotBeAFieldIsUnknown) {
  EXPECT_EQ(stored_content_type("image/png"), "image/png");
  EXPECT_EQ(stored_content_type(std::nullopt), "application/octet-stream");
  EXPECT_EQ(stored_content_type(""), "application/octet-stream");
  EXPECT_EQ(stored_content_type("text/plain\r\nX: y"), "application/octet-stream");
  EXPECT_EQ(stored_content_type("\xc3\xa4"), "application/octet-stream");
  EXPECT_EQ(stored_content_type(std::string(256, 'a')), "application/octet-stream");
}

}  // namespace
}  // namespace gims::api::client

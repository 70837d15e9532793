#include "json/canonical.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace gims::json {
namespace {

std::string canonical_of(std::string_view text) {
  const auto document = Document::parse(text, {.unique_keys = false});
  if (!document) return "unreadable: " + document.error().text;
  const auto written = canonical(document->root());
  return written ? *written : written.error().code;
}

// Spec: appendices, "Canonical JSON", "Examples".
TEST(Canonical, WritesTheExamplesOfTheSpec) {
  EXPECT_EQ(canonical_of("{}"), "{}");
  EXPECT_EQ(canonical_of("{\n    \"one\": 1,\n    \"two\": \"Two\"\n}"),
            R"({"one":1,"two":"Two"})");
  EXPECT_EQ(canonical_of("{\n    \"b\": \"2\",\n    \"a\": \"1\"\n}"), R"({"a":"1","b":"2"})");
  EXPECT_EQ(canonical_of(R"({"b":"2","a":"1"})"), R"({"a":"1","b":"2"})");
  EXPECT_EQ(canonical_of(
                R"({"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {
             "display_name": "John Doe", "three_pids": [
             {"medium": "email", "address": "john.doe@example.org"},
             {"medium": "msisdn", "address": "123456789"}]}}})"),
            R"({"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe",)"
            R"("three_pids":[{"address":"john.doe@example.org","medium":"email"},)"
            R"({"address":"123456789","medium":"msisdn"}]},"success":true}})");
  EXPECT_EQ(canonical_of(R"({"a": "日本語"})"), R"({"a":"日本語"})");
  EXPECT_EQ(canonical_of(R"({"本": 2, "日": 1})"), R"({"日":1,"本":2})");
  EXPECT_EQ(canonical_of(R"({"a": "\u65E5"})"), R"({"a":"日"})");
  EXPECT_EQ(canonical_of(R"({"a": null})"), R"({"a":null})");
}

TEST(Canonical, RefusesWhatIsNoIntegerOfMatrix) {
  for (const std::string_view number : {"1.0", "1e3", "1E3", "-0", "-0.0", "0.5",
                                        "9007199254740992", "-9007199254740992", "1e300"}) {
    EXPECT_EQ(canonical_of(R"({"a":)" + std::string(number) + "}"), "M_BAD_JSON") << number;
    EXPECT_EQ(canonical_of("[[" + std::string(number) + "]]"), "M_BAD_JSON") << number;
  }
  EXPECT_EQ(canonical_of("[9007199254740991,-9007199254740991,0,-1]"),
            "[9007199254740991,-9007199254740991,0,-1]");
}

TEST(Canonical, RefusesAKeyTwice) {
  EXPECT_EQ(canonical_of(R"({"a":1,"b":2,"a":1})"), "M_BAD_JSON");
  EXPECT_EQ(canonical_of(R"({"a":1,"a":1})"), "M_BAD_JSON");
}

TEST(Canonical, UsesTheShortestEscapes) {
  EXPECT_EQ(canonical_of(R"("\b\f\n\r\t\"\\\/\u0000\u001f\u000b\u007f\u2028")"),
            "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0000\\u001f\\u000b\x7f\xe2\x80\xa8\"");
}

TEST(Canonical, SortsByCodePointNotByUtf16) {
  // U+FF5E sorts before U+1F600 by code point and after its surrogates in UTF-16.
  EXPECT_EQ(canonical_of(R"({"😀":1,"～":2,"z":3,"":4})"), R"({"":4,"z":3,"～":2,"😀":1})");
}

TEST(Canonical, SortsEachObjectOnItsOwn) {
  EXPECT_EQ(canonical_of(R"([{"c":{"z":[],"a":{}},"b":[{"y":1,"x":2},3]},{"d":1,"a":[[]]}])"),
            R"([{"b":[{"x":2,"y":1},3],"c":{"a":{},"z":[]}},{"a":[[]],"d":1}])");
}

TEST(Canonical, LeavesMembersOfTheTopLevelOut) {
  const auto document =
      Document::parse(R"({"signatures":{"a":1},"z":{"signatures":2},"unsigned":1.5,"b":1})");
  ASSERT_TRUE(document);
  constexpr std::array<std::string_view, 2> names{"signatures", "unsigned"};
  EXPECT_EQ(canonical_without(document->root(), names).value(), R"({"b":1,"z":{"signatures":2}})");
}

TEST(Canonical, LeavesTheOutputAloneWhereItFails) {
  const auto document = Document::parse(R"({"a":"text","b":1.5})");
  ASSERT_TRUE(document);
  std::string out = "before";
  EXPECT_FALSE(append_canonical(out, document->root()));
  EXPECT_EQ(out, "before");
  EXPECT_FALSE(canonical(Value()));
}

}  // namespace
}  // namespace gims::json

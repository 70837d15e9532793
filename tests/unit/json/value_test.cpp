#include "json/value.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gims::json {
namespace {

Document read(std::string_view text) {
  auto document = Document::parse(text);
  EXPECT_TRUE(document) << text;
  return document ? std::move(*document) : Document();
}

std::string code_of(std::string_view text, const Limits& limits = {}) {
  const auto document = Document::parse(text, limits);
  return document ? "" : document.error().code;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Document, GivesTheMembersOfAnObject) {
  const Document document = read(R"({"a":"text","b":7,"c":true,"d":null,"e":[1,2],"f":{"g":1}})");
  const Value root = document.root();
  EXPECT_TRUE(root.is_object());
  EXPECT_EQ(root.size(), 6U);
  EXPECT_EQ(root.get("a").as_string(), "text");
  EXPECT_EQ(root.get("b").as_int(), 7);
  EXPECT_EQ(root.get("c").as_bool(), true);
  EXPECT_TRUE(root.get("d").is_null());
  EXPECT_EQ(root.get("e").at(1).as_int(), 2);
  EXPECT_EQ(root.get("f").get("g").as_int(), 1);
}

TEST(Document, StaysGoodWhenItMoves) {
  Document first = read(R"({"a":"text"})");
  const Value root = first.root();
  const Document second = std::move(first);
  EXPECT_EQ(root.get("a").as_string(), "text");
  EXPECT_FALSE(first.root().valid());  // NOLINT(bugprone-use-after-move): the header promises it
  EXPECT_TRUE(second.root().valid());
}

TEST(Document, KeepsZeroBytesInStrings) {
  const Document document = read(R"({"a\u0000b":"c\u0000d"})");
  EXPECT_EQ(document.root().get(std::string_view("a\0b", 3)).as_string(),
            std::string_view("c\0d", 3));
  EXPECT_FALSE(document.root().get("a"));
}

TEST(Document, SaysWhatIsNoJson) {
  for (const std::string_view text :
       {"", "{", "{\"a\":1,}", "[1 2]", "nul", "{'a':1}", "\"\\ud800\"", "01", "1e999", "{}x",
        "\xef\xbb\xbf{}", "\"a\nb\""}) {
    EXPECT_EQ(code_of(text), "M_NOT_JSON") << text;
  }
  EXPECT_NE(Document::parse("[1 2]").error().text.find("at byte 3"), std::string::npos);
}

TEST(Document, RefusesWhatIsNoUtf8) {
  for (const std::string_view text :
       {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\""}) {
    EXPECT_EQ(code_of(text), "M_NOT_JSON");
  }
}

TEST(Document, LimitsSizeDepthAndCount) {
  EXPECT_EQ(code_of("[1,2,3]", {.max_bytes = 6}), "M_TOO_LARGE");
  EXPECT_EQ(code_of("[1,2,3]", {.max_bytes = 7}), "");
  EXPECT_EQ(code_of("[1,2,3]", {.max_values = 3}), "M_BAD_JSON");
  EXPECT_EQ(code_of("[1,2,3]", {.max_values = 4}), "");
  EXPECT_EQ(code_of(nested(64)), "");
  EXPECT_EQ(code_of(nested(65)), "M_BAD_JSON");
  EXPECT_EQ(code_of(nested(400'000)), "M_BAD_JSON");
  EXPECT_EQ(code_of(R"([[],[],{"a":[]},[]])", {.max_depth = 2}), "M_BAD_JSON");
  EXPECT_EQ(code_of(R"([[],[],{"a":1},[]])", {.max_depth = 2}), "");
}

TEST(Document, RefusesAKeyTwice) {
  EXPECT_EQ(code_of(R"({"a":1,"b":2,"a":3})"), "M_BAD_JSON");
  EXPECT_EQ(code_of(R"([{"x":{"a":1,"\u0061":3}}])"), "M_BAD_JSON");
  EXPECT_EQ(code_of(R"({"a":1,"a":3})", {.unique_keys = false}), "");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(code_of(many + "\"z\":0}"), "");
  EXPECT_EQ(code_of(many + "\"k7\":0}"), "M_BAD_JSON");
}

TEST(Value, ThatIsAbsentAnswersNo) {
  const Document document = read(R"({"a":1})");
  const Value absent = document.root().get("b").get("c");
  EXPECT_FALSE(absent.valid());
  EXPECT_EQ(absent.type(), Type::none);
  EXPECT_EQ(absent.as_string(), std::nullopt);
  EXPECT_EQ(absent.size(), 0U);
  EXPECT_EQ(absent.string_or("x"), "x");
  EXPECT_FALSE(document.root().get("a").get("b"));
  EXPECT_EQ(Value().to_text(), "null");
  for (const Value element : absent.array()) ADD_FAILURE() << element.to_text();
}

TEST(Value, TakesOnlyIntegersOfMatrix) {
  const Document document = read(
      "[9007199254740991,-9007199254740991,9007199254740992,-9007199254740992,"
      "18446744073709551615,1.0,1e3,1e30,\"1\",true]");
  const Value root = document.root();
  EXPECT_EQ(root.at(0).as_int(), 9007199254740991);
  EXPECT_EQ(root.at(1).as_int(), -9007199254740991);
  for (std::size_t i = 2; i < root.size(); ++i) EXPECT_EQ(root.at(i).as_int(), std::nullopt) << i;
  EXPECT_EQ(root.at(5).as_number(), 1.0);
  EXPECT_EQ(root.at(8).as_number(), std::nullopt);
}

TEST(Value, WalksArraysAndObjects) {
  const Document document = read(R"({"list":[[1,2],"x",{"y":0}],"after":3})");
  std::vector<std::string> seen;
  for (const auto [key, value] : document.root().object()) {
    seen.emplace_back(key);
    for (const Value element : value.array()) seen.push_back(element.to_text());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"list", "[1,2]", "\"x\"", "{\"y\":0}", "after"}));
}

TEST(Value, ComparesByContent) {
  const Document document = read(R"([{"a":1,"b":[2]},{"b":[2],"a":1},{"a":1,"b":[3]},"1"])");
  const Value root = document.root();
  EXPECT_TRUE(root.at(0).equals(root.at(1)));
  EXPECT_FALSE(root.at(0).equals(root.at(2)));
  EXPECT_FALSE(root.at(0).equals(root.at(3)));
  EXPECT_FALSE(root.at(0).equals(Value()));
}

}  // namespace
}  // namespace gims::json

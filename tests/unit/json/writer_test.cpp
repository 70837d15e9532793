#include "json/writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "json/edit.hpp"

namespace gims::json {
namespace {

TEST(Writer, PutsCommasWhereTheyBelong) {
  Writer out;
  out.begin_object().key("a").begin_array().value(1).value(2).begin_array().end_array();
  out.begin_object().end_object().end_array().member("b", "x").key("c").begin_object();
  out.member("d", true).end_object().key("e").null().raw_member("f", "[1]").end_object();
  EXPECT_EQ(out.take(), R"({"a":[1,2,[],{}],"b":"x","c":{"d":true},"e":null,"f":[1]})");
}

TEST(Writer, WritesEveryType) {
  const auto document = Document::parse(R"({"k":[1,"two"]})");
  ASSERT_TRUE(document);
  Writer out;
  out.begin_array().value(std::numeric_limits<std::int64_t>::min());
  out.value(std::numeric_limits<std::uint64_t>::max()).value(std::uint8_t{7}).value(false);
  out.value(std::string("s")).value(std::string_view("v")).value("\n");
  out.value(document->root().get("k")).value(document->root().get("absent"));
  out.value(0.25).value(std::nan("")).end_array();
  EXPECT_EQ(out.text(),
            R"([-9223372036854775808,18446744073709551615,7,false,"s","v","\n",[1,"two"],null,)"
            R"(0.25,null])");
}

TEST(Writer, AppendsToAStringOfTheCaller) {
  std::string text = "HEAD ";
  Writer(text).begin_array().value(1).end_array();
  EXPECT_EQ(text, "HEAD [1]");
}

TEST(Writer, CanBeUsedAgainAfterTake) {
  Writer out;
  out.value(1);
  EXPECT_EQ(out.take(), "1");
  out.value(2);
  EXPECT_EQ(out.take(), "2");
}

TEST(Edit, ReplacesAddsAndRemovesMembers) {
  const auto document = Document::parse(R"({"a":1,"b":{"x":[2]},"c":3})");
  ASSERT_TRUE(document);
  const Value root = document->root();
  EXPECT_EQ(with_member(root, "b", "[]"), R"({"a":1,"b":[],"c":3})");
  EXPECT_EQ(with_member(root, "d", "4"), R"({"a":1,"b":{"x":[2]},"c":3,"d":4})");
  EXPECT_EQ(without_member(root, "a"), R"({"b":{"x":[2]},"c":3})");
  EXPECT_EQ(without_member(root, "z"), R"({"a":1,"b":{"x":[2]},"c":3})");
  EXPECT_EQ(with_member(Value(), "a", "1"), R"({"a":1})");
}

}  // namespace
}  // namespace gims::json

#include "json/fields.hpp"

#include <gtest/gtest.h>

namespace gims::json {
namespace {

class Fields : public testing::Test {
 protected:
  Fields() {
    auto parsed = Document::parse(
        R"({"s":"text","i":5,"b":true,"o":{},"a":["x","y"],"n":null,"mixed":["x",1]})");
    if (parsed) document_ = *std::move(parsed);
  }
  [[nodiscard]] Value body() const { return document_.root(); }

 private:
  Document document_;
};

template <class T>
void expect_error(const Result<T>& result, std::string_view code, std::string_view text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().text, text);
}

TEST_F(Fields, ReadsWhatIsThere) {
  EXPECT_EQ(required_string(body(), "s").value(), "text");
  EXPECT_EQ(required_int(body(), "i").value(), 5);
  EXPECT_EQ(required_bool(body(), "b").value(), true);
  EXPECT_TRUE(required_object(body(), "o").value().is_object());
  EXPECT_EQ(required_array(body(), "a").value().size(), 2U);
  EXPECT_EQ(required_strings(body(), "a").value(), (std::vector<std::string_view>{"x", "y"}));
}

TEST_F(Fields, NamesTheFieldThatIsMissing) {
  expect_error(required_string(body(), "user_id"), "M_MISSING_PARAM",
               "The field \"user_id\" is missing.");
  expect_error(required_int(Value(), "i"), "M_MISSING_PARAM", "The field \"i\" is missing.");
}

TEST_F(Fields, NamesTheFieldOfAWrongType) {
  expect_error(required_string(body(), "i"), "M_BAD_JSON", "The field \"i\" must be a string.");
  expect_error(required_string(body(), "n"), "M_BAD_JSON", "The field \"n\" must be a string.");
  expect_error(required_int(body(), "s"), "M_BAD_JSON", "The field \"s\" must be an integer.");
  expect_error(required_bool(body(), "s"), "M_BAD_JSON", "The field \"s\" must be true or false.");
  expect_error(required_object(body(), "a"), "M_BAD_JSON", "The field \"a\" must be an object.");
  expect_error(required_array(body(), "o"), "M_BAD_JSON", "The field \"o\" must be an array.");
  expect_error(required_strings(body(), "mixed"), "M_BAD_JSON",
               "The field \"mixed\" must be an array of strings.");
  expect_error(optional_string(body(), "i"), "M_BAD_JSON", "The field \"i\" must be a string.");
  expect_error(optional_object(body(), "a"), "M_BAD_JSON", "The field \"a\" must be an object.");
}

TEST_F(Fields, TakesNullForAbsentWhereAFieldIsOptional) {
  for (const std::string_view name : {"n", "absent"}) {
    EXPECT_EQ(optional_string(body(), name).value(), std::nullopt);
    EXPECT_EQ(optional_int(body(), name).value(), std::nullopt);
    EXPECT_EQ(optional_bool(body(), name).value(), std::nullopt);
    EXPECT_FALSE(optional_object(body(), name).value().valid());
    EXPECT_FALSE(optional_array(body(), name).value().valid());
    EXPECT_TRUE(optional_strings(body(), name).value().empty());
  }
  EXPECT_EQ(optional_string(body(), "s").value(), "text");
  EXPECT_EQ(optional_int(body(), "i").value(), 5);
}

TEST_F(Fields, WantsAnObjectForABody) {
  EXPECT_TRUE(require_object(body()));
  expect_error(require_object(body().get("a")), "M_BAD_JSON", "The body must be a JSON object.");
}

TEST(NestedFields, AreGoneThroughWithinTheirBounds) {
  const auto document = Document::parse(R"({"u":{"a":1,"b":2},"v":{"c":3}})").value();
  std::string seen;
  const auto note = [&](std::string_view outer, std::string_view inner, Value value) -> Result<> {
    seen.append(outer).append(inner).append(value.to_text()).append(" ");
    return {};
  };
  EXPECT_TRUE(each_nested(document.root(), "messages", 3, note));
  EXPECT_EQ(seen, "ua1 ub2 vc3 ");
  EXPECT_EQ(each_nested(document.root(), "messages", 2, note).error().code, "M_TOO_LARGE");
  const auto flat = Document::parse(R"({"u":1})").value();
  EXPECT_EQ(each_nested(flat.root(), "messages", 3, note).error().code, "M_BAD_JSON");
}

}  // namespace
}  // namespace gims::json

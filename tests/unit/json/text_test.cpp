#include "json/text.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"
#include "json/value.hpp"

namespace gims::json {
namespace {

// The same question to the reader of JSON, which has its own answer.
bool reader_takes(std::string_view bytes) {
  return Document::parse("\"" + std::string(bytes) + "\"").has_value();
}

TEST(Utf8, IsTheSameForTheReaderAndForUsOnEveryPairOfBytesAfterALead) {
  for (int lead = 0x80; lead < 0x100; ++lead) {
    for (int second = 0x80; second < 0x100; second += 3) {
      for (const std::string_view tail : {"", "\x80", "\x80\xbf", "\xbf\xbf", "aa"}) {
        std::string bytes{static_cast<char>(lead), static_cast<char>(second)};
        bytes += tail;
        ASSERT_EQ(is_utf8(bytes), reader_takes(bytes)) << lead << " " << second;
      }
    }
  }
}

TEST(Quoted, ReadsBackAsTheSameText) {
  for (std::size_t length = 0; length < 20; ++length) {
    for (int c = 0; c < 0x80; ++c) {
      std::string text(length, 'x');
      text += static_cast<char>(c);
      text += "yyyyyyyyy";
      const auto document = Document::parse(json::quoted(text));
      ASSERT_TRUE(document) << c;
      ASSERT_EQ(document->root().as_string(), text) << c;
    }
  }
}

TEST(Quoted, EscapesOnlyWhatMustBe) {
  EXPECT_EQ(json::quoted("a/b é \x7f"), "\"a/b é \x7f\"");
  EXPECT_EQ(json::quoted("12345678\"12345678\\1234567\n"), R"("12345678\"12345678\\1234567\n")");
  EXPECT_EQ(json::quoted(std::string_view("\0", 1)), "\"\\u0000\"");
}

}  // namespace
}  // namespace gims::json

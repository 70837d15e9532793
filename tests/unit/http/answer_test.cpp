#include "http/answer.hpp"

#include <gtest/gtest.h>

namespace gims::http {
namespace {

constexpr std::string_view good =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    "15\r\n\r\n{\"rejected\":[]}";

// What became of it: its body; "..." for more to come, "!" for a failure.
std::string read(std::string_view text) {
  AnswerReader reader;
  const auto whole = reader.take(text);
  if (!whole) return "!";
  return *whole ? std::move(reader).answer().body : "...";
}
std::string with(std::string_view head, std::string_view body = "") {
  return read("HTTP/1.1 200 OK\r\n" + std::string(head) + "\r\n" + std::string(body));
}

TEST(AnswerReader, ReadsAnAnswerInAnyPieces) {
  for (std::size_t piece = 1; piece <= good.size(); ++piece) {
    AnswerReader reader;
    for (std::size_t at = 0; at < good.size(); at += piece) {
      const auto whole = reader.take(good.substr(at, piece));
      ASSERT_TRUE(whole) << piece;
      EXPECT_EQ(*whole, at + piece >= good.size());
    }
    const Answer answer = std::move(reader).answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"rejected":[]})");
    EXPECT_TRUE(answer.reusable);
  }
}

TEST(AnswerReader, KnowsHowLongItIs) {
  EXPECT_EQ(with("Content-Length: 3\r\n", "one"), "one");
  EXPECT_EQ(with("content-length:3\r\n", "on"), "...");
  EXPECT_EQ(with("Content-Length: 0\r\n"), "");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "");
  // More than was announced, or nothing that says how much.
  EXPECT_EQ(with("Content-Length: 3\r\n", "ones"), "!");
  EXPECT_EQ(with(""), "!");
  EXPECT_EQ(with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "!");
  for (const char* length : {"", "+3", "-3", "0x3", "3 3", "3,3", "99999999999999999999"}) {
    EXPECT_EQ(with("Content-Length: " + std::string(length) + "\r\n", "one"), "!") << length;
  }
  EXPECT_EQ(with("Content-Length: 3\r\nContent-Length: 3\r\n", "one"), "!");
}

TEST(AnswerReader, KeepsNoMoreThanItsBounds) {
  const std::string most(AnswerReader::longest_body, 'x');
  EXPECT_EQ(with("Content-Length: " + std::to_string(most.size()) + "\r\n", most), most);
  EXPECT_EQ(with("Content-Length: " + std::to_string(most.size() + 1) + "\r\n"), "!");
  // All but the field's value.
  const std::size_t around = std::string("HTTP/1.1 204 \r\nA: \r\n\r\n").size();
  for (const std::size_t over : {std::size_t{0}, std::size_t{1}}) {
    const std::string value(AnswerReader::longest_head - around + over, 'x');
    EXPECT_EQ(read("HTTP/1.1 204 \r\nA: " + value + "\r\n\r\n"), over == 0 ? "" : "!");
  }
  AnswerReader reader;
  for (std::size_t sent = 0; sent < AnswerReader::longest_head; ++sent) {
    ASSERT_EQ(reader.take("H"), false);
  }
  EXPECT_FALSE(reader.take("H"));
}

TEST(AnswerReader, RefusesWhatIsNoAnswer) {
  for (const char* first :
       {"HTTP/1.0 200 OK", "HTTP/2 200", "http/1.1 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 20 OK",
        "HTTP/1.1 100 Continue", "HTTP/1.1 600 No", "HTTP/1.1  200", "ICY 200 OK", ""}) {
    EXPECT_EQ(read(std::string(first) + "\r\nContent-Length: 0\r\n\r\n"), "!") << first;
  }
  for (const char* field : {"A", " A: b", "A : b", ": b", "A: b\rC: d", "\"A\": b"}) {
    EXPECT_EQ(with(std::string(field) + "\r\nContent-Length: 0\r\n"), "!") << field;
  }
}

TEST(AnswerReader, SaysWhetherTheConnectionGoesOn) {
  const auto reusable = [](std::string_view field) {
    AnswerReader reader;
    EXPECT_TRUE(
        reader.take("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + std::string(field) + "\r\n"));
    return std::move(reader).answer().reusable;
  };
  EXPECT_TRUE(reusable(""));
  EXPECT_TRUE(reusable("Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(reusable("Connection: close\r\n"));
}

}  // namespace
}  // namespace gims::http

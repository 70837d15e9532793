// What goes out: strings, chains, sources; read slowly, broken off, in order.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "site.hpp"

namespace gims::http {
namespace {

using test::get;
using test::route;
using test::Site;
using test::text_response;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

class StringSource final : public BodySource {
 public:
  StringSource(std::string text, std::size_t fails_at = std::string::npos,
               std::atomic<int>* freed = nullptr)
      : text_(std::move(text)), fails_at_(fails_at), freed_(freed) {}
  ~StringSource() override {
    if (freed_ != nullptr) ++*freed_;
  }
  [[nodiscard]] std::uint64_t size() const noexcept override { return text_.size(); }
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    if (offset >= fails_at_) return fail(ErrorKind::internal, "EIO", "", "the disk is gone");
    return text_.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
  }

 private:
  std::string text_;
  std::size_t fails_at_;
  std::atomic<int>* freed_;
};

Handler gives(std::function<decltype(Response::body)()> body) {
  return [body = std::move(body)](Responder responder) {
    Response response;
    response.body = body();
    std::move(responder).reply(std::move(response));
  };
}

TEST(Reply, SendsChainsLongAndShort) {
  const auto shared = std::make_shared<const std::string>(pattern(300'000));
  Site site({route(Method::get, "/long", gives([&] {
                     return Chain{std::string("["), shared,        std::string(","), std::string(),
                                  shared,           SharedBytes(), std::string("]")};
                   })),
             route(Method::get, "/short", gives([] {
                     return Chain{std::string("a"), std::make_shared<const std::string>("b")};
                   })),
             route(Method::get, "/empty", gives([] { return Chain{}; }))});
  auto client = site.connect();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.ask(get("/long"))->body, "[" + *shared + "," + *shared + "]");
    EXPECT_EQ(client.ask(get("/short"))->body, "ab");
    const auto empty = client.ask(get("/empty"));
    EXPECT_EQ(empty->status, 200);
    EXPECT_EQ(empty->headers.at("content-length"), "0");
  }
  site.destroy();
  EXPECT_EQ(shared.use_count(), 1);
}

// A first sync of an account in a hundred rooms has some two thousand pieces.
TEST(Reply, SendsChainsOfManyPieces) {
  const auto shared = std::make_shared<const std::string>(pattern(100));
  for (const std::size_t count : {256U, 257U, 2'000U, 50'000U}) {
    Site site({route(Method::get, "/many", gives([&] { return Chain(count, shared); }))});
    auto client = site.connect();
    std::string expected;
    for (std::size_t i = 0; i < count; ++i) expected += *shared;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.ask(get("/many"))->body, expected) << count;
    site.destroy();
    EXPECT_EQ(shared.use_count(), 1);
  }
}

TEST(Reply, SendsASourcePieceByPiece) {
  const std::string text = pattern(1'000'000);
  std::atomic<int> freed = 0;
  Site site({route(Method::get, "/a", gives([&] {
                     return std::make_unique<StringSource>(text, std::string::npos, &freed);
                   })),
             route(Method::get, "/none",
                   gives([&] { return std::make_unique<StringSource>(std::string()); }))});
  auto client = site.connect();
  EXPECT_EQ(client.ask(get("/a"))->body, text);
  EXPECT_EQ(client.ask(get("/none"))->headers.at("content-length"), "0");
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.receive(true)->headers.at("content-length"), "1000000");
  EXPECT_EQ(client.ask(get("/a"))->body, text);
  site.destroy();
  EXPECT_EQ(freed, 3);
}

TEST(Reply, BreaksOffWhenItsSourceFails) {
  Site site({route(Method::get, "/a", gives([] {
                     return std::make_unique<StringSource>(pattern(300'000), 100'000);
                   }))});
  auto client = site.connect();
  EXPECT_FALSE(client.ask(get("/a")));  // shorter than its Content-Length says, then the end
}

TEST(Reply, WaitsForASlowReaderAndServesOthersMeanwhile) {
  const std::string text = pattern(4'000'000);
  Site site({route(Method::get, "/a", gives([&] { return text; })),
             route(Method::get, "/now", gives([] { return std::string("now"); }))},
            {.loops = 1});
  auto slow = site.connect();
  auto quick = site.connect();
  slow.send(get("/a"));
  std::size_t seen = slow.read_some(1000);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(quick.ask(get("/now"))->body, "now");
    seen += slow.read_some(1000);
  }
  EXPECT_EQ(seen, 101'000U);
  while (seen < text.size()) {
    const std::size_t more = slow.read_some(65536);
    ASSERT_GT(more, 0U);
    seen += more;
  }
}

TEST(Reply, OutlivesAReaderWhoLeaves) {
  std::atomic<int> freed = 0;
  Site site({route(Method::get, "/a", gives([&] {
                     return std::make_unique<StringSource>(pattern(4'000'000), std::string::npos,
                                                           &freed);
                   }))});
  {
    auto client = site.connect();
    client.send(get("/a"));
    EXPECT_GT(client.read_some(100), 0U);
  }
  site.destroy();
  EXPECT_EQ(freed, 1);
}

TEST(Reply, HasNoBodyWhereThereMustBeNone) {
  Site site({route(Method::get, "/a", [](Responder responder) {
    std::move(responder).reply(text_response(204, ""));
  })});
  auto client = site.connect();
  const auto answer = client.ask(get("/a"));
  EXPECT_EQ(answer->status, 204);
  EXPECT_FALSE(answer->headers.contains("content-length"));
  EXPECT_EQ(client.ask(get("/a"))->status, 204);
}

// A line break in a header would let its writer add headers, or a second reply.
TEST(Reply, SendsNoHeaderWithALineBreak) {
  Site site({route(Method::get, "/a", [](Responder responder) {
    auto response = text_response(200, "x");
    response.headers.emplace_back("X-A", "b\r\nX-C: d");
    std::move(responder).reply(std::move(response));
  })});
  auto client = site.connect();
  const auto answer = client.ask(get("/a"));
  EXPECT_TRUE(!answer || !answer->headers.contains("x-c"));
}

TEST(Reply, HasTheStatusOfEachKindOfError) {
  EXPECT_EQ(status_of(ErrorKind::bad_input), 400);
  EXPECT_EQ(status_of(ErrorKind::unauthenticated), 401);
  EXPECT_EQ(status_of(ErrorKind::forbidden), 403);
  EXPECT_EQ(status_of(ErrorKind::not_found), 404);
  EXPECT_EQ(status_of(ErrorKind::wrong_method), 405);
  EXPECT_EQ(status_of(ErrorKind::conflict), 409);
  EXPECT_EQ(status_of(ErrorKind::too_large), 413);
  EXPECT_EQ(status_of(ErrorKind::rate_limited), 429);
  EXPECT_EQ(status_of(ErrorKind::internal), 500);
  EXPECT_EQ(status_of(ErrorKind::unavailable), 503);
  EXPECT_EQ(status_of(ErrorKind::not_yet_uploaded), 504);
}

}  // namespace
}  // namespace gims::http

#include "app/pages.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace gims::app {
namespace {

constexpr std::array<ConsoleFile, 3> files{{
    {.path = "/assets/index-abc.js",
     .type = "text/javascript",
     .etag = "\"1\"",
     .plain = "plain script",
     .gzip = "gzip",
     .brotli = "br"},
    {.path = "/favicon.svg",
     .type = "image/svg+xml",
     .etag = "\"2\"",
     .plain = "image",
     .gzip = "",
     .brotli = ""},
    {.path = "/index.html",
     .type = "text/html",
     .etag = "\"3\"",
     .plain = "page",
     .gzip = "gz page",
     .brotli = ""},
}};

http::Request request(std::string path, std::string encoding = "") {
  http::Request made;
  made.method = http::Method::get;
  made.path = std::move(path);
  if (!encoding.empty()) made.headers.emplace_back("Accept-Encoding", std::move(encoding));
  return made;
}
std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}
std::string body(http::Response& response) {
  if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
  auto& source = std::get<std::unique_ptr<http::BodySource>>(response.body);
  std::string all(source->size(), '\0');
  const auto read = source->read(0, all);
  EXPECT_EQ(read, all.size());
  EXPECT_EQ(source->read(source->size(), all), 0U);
  return all;
}

class PagesOfTheConsole : public testing::Test {
 protected:
  const Pages pages{files};
};

TEST_F(PagesOfTheConsole, AFileWithAHashInItsNameIsKeptForGood) {
  auto page = pages.answer(request("/assets/index-abc.js"));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(header(*page, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(*page, "Content-Type"), "text/javascript");
  EXPECT_EQ(header(*page, "Content-Encoding"), "");
  EXPECT_EQ(body(*page), "plain script");
}

TEST_F(PagesOfTheConsole, IsCompressedAsTheClientTakesIt) {
  const auto encoding = [&](std::string accepted) {
    auto page = pages.answer(request("/assets/index-abc.js", std::move(accepted)));
    EXPECT_EQ(header(*page, "Vary"), "Accept-Encoding");
    return header(*page, "Content-Encoding") + " " + body(*page);
  };
  EXPECT_EQ(encoding("gzip, deflate, br, zstd"), "br br");
  EXPECT_EQ(encoding("gzip"), "gzip gzip");
  EXPECT_EQ(encoding("br;q=0, gzip;q=0.5"), "gzip gzip");
  EXPECT_EQ(encoding("brotli"), " plain script");
  EXPECT_EQ(encoding("identity"), " plain script");
  auto image = pages.answer(request("/favicon.svg", "gzip, br"));
  EXPECT_EQ(body(*image), "image");
}

TEST_F(PagesOfTheConsole, ThePageItselfIsNeverKept) {
  for (const char* path : {"/", "/index.html", "/officers", "/officers/desk/devices"}) {
    auto page = pages.answer(request(path));
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(header(*page, "Cache-Control"), "no-store");
    EXPECT_EQ(header(*page, "ETag"), "");
    EXPECT_EQ(body(*page), "page");
  }
}

TEST_F(PagesOfTheConsole, WhatTheClientHasIsNotSentAgain) {
  auto asked = request("/favicon.svg");
  asked.headers.emplace_back("If-None-Match", "\"2\"");
  auto page = pages.answer(asked);
  EXPECT_EQ(page->status, 304);
  EXPECT_EQ(body(*page), "");
}

TEST_F(PagesOfTheConsole, NothingElseIsAPage) {
  EXPECT_FALSE(pages.answer(request("/assets/index-old.js")));
  EXPECT_FALSE(pages.answer(request("/_gims/admin/v1/nothing")));
  EXPECT_FALSE(pages.answer(request("/_matrix/client/versions")));
  EXPECT_FALSE(pages.answer(request("/.well-known/matrix/client")));
  EXPECT_FALSE(pages.answer(request("/favicon.svgz")));
  EXPECT_FALSE(pages.answer(request("/../etc/passwd.txt")));
  auto posted = request("/");
  posted.method = http::Method::post;
  EXPECT_FALSE(pages.answer(posted));
}

TEST_F(PagesOfTheConsole, RunsItsOwnScriptAndIsFramedByNobody) {
  const auto page = pages.answer(request("/"));
  const std::string policy = header(*page, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_TRUE(policy.contains("frame-ancestors 'none'"));
  EXPECT_FALSE(policy.contains("unsafe"));
  EXPECT_EQ(header(*page, "Cross-Origin-Opener-Policy"), "same-origin");
  EXPECT_EQ(header(*page, "Cross-Origin-Embedder-Policy"), "require-corp");
  EXPECT_EQ(header(*page, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(*page, "X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(header(*page, "Permissions-Policy").contains("camera=()"));
}

TEST(PagesThatWereNotBuilt, SayIt) {
  const Pages none{std::span<const ConsoleFile>()};
  auto page = none.answer(request("/officers"));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 503);
  EXPECT_EQ(header(*page, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_TRUE(body(*page).contains("was not built"));
  EXPECT_FALSE(none.answer(request("/assets/index.js")));
}

}  // namespace
}  // namespace gims::app

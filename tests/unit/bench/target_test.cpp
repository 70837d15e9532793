#include "bench/load/target.hpp"

#include <gtest/gtest.h>

namespace gims::bench {
namespace {

TEST(Url, SchemeHostAndPort) {
  const auto tls = parse_url("https://127.0.0.1:8448");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->host, "127.0.0.1");
  EXPECT_EQ(tls->port, 8448);
  const auto plain = parse_url("http://matrix.gims.internal/");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "matrix.gims.internal");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(parse_url("https://gims.internal")->port, 443);
}

TEST(Url, AnythingElseIsRefused) {
  for (const char* text :
       {"", "127.0.0.1:8008", "ftp://a", "http://", "http://:80", "http://a:", "http://a:65536",
        "http://a:8x", "http://a/b", "http://u@a", "http://a?b"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

}  // namespace
}  // namespace gims::bench

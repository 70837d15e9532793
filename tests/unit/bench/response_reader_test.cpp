#include "bench/load/response_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::bench {
namespace {

constexpr std::string_view with_length =
    "HTTP/1.1 200 OK\r\nDate: Thu\r\nContent-LENGTH: 5\r\nConnection: Keep-Alive\r\n\r\nhello";
constexpr std::string_view in_chunks =
    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;name=value\r\nhel\r\nA\r\nlo, world!\r\n0\r\nTrailer: x\r\n\r\n";

TEST(ResponseReader, ABodyWithALength) {
  ResponseReader reader;
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.feed(with_length), with_length.size());
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.status(), 200);
  EXPECT_EQ(reader.body(), "hello");
  EXPECT_FALSE(reader.closes());
}

TEST(ResponseReader, ABodyInChunks) {
  ResponseReader reader;
  EXPECT_EQ(reader.feed(in_chunks), in_chunks.size());
  ASSERT_TRUE(reader.done());
  EXPECT_EQ(reader.status(), 404);
  EXPECT_EQ(reader.body(), "hello, world!");
}

TEST(ResponseReader, ByteByByteItIsTheSame) {
  for (const std::string_view response : {with_length, in_chunks}) {
    ResponseReader whole;
    ASSERT_TRUE(whole.feed(response));
    ResponseReader reader;
    for (std::size_t i = 0; i < response.size(); ++i) {
      EXPECT_FALSE(reader.done()) << i;
      ASSERT_EQ(reader.feed(response.substr(i, 1)), 1U);
      EXPECT_TRUE(reader.started());
    }
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.body(), whole.body());
  }
}

TEST(ResponseReader, WhatFollowsIsLeftForTheNext) {
  const std::string two = std::string(with_length) + std::string(in_chunks);
  ResponseReader reader;
  EXPECT_EQ(reader.feed(two), with_length.size());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.feed(two), 0U);
  reader.reset();
  EXPECT_FALSE(reader.started());
  EXPECT_EQ(reader.feed(std::string_view(two).substr(with_length.size())), in_chunks.size());
  EXPECT_EQ(reader.body(), "hello, world!");
}

TEST(ResponseReader, NoBody) {
  for (const char* head : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 \r\nX: y\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    ResponseReader reader;
    ASSERT_TRUE(reader.feed(head)) << head;
    EXPECT_TRUE(reader.done()) << head;
    EXPECT_EQ(reader.body(), "");
  }
}

TEST(ResponseReader, TellsThatTheServerCloses) {
  ResponseReader reader;
  ASSERT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nconnection: Close\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(reader.done());
  EXPECT_TRUE(reader.closes());
  reader.reset();
  EXPECT_FALSE(reader.closes());
}

TEST(ResponseReader, RefusesWhatIsDoubtful) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunks = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& response :
       {std::string("HTTP/1.0 200 OK\r\n"),
        std::string("HTTP/1.1 20 OK\r\n"),
        std::string("HTTP/1.1 2000 OK\r\n"),
        std::string("HTTP/1.1 200\r\n"),
        std::string("HTTP/1.1 100 Continue\r\n"),
        std::string("HTTP/1.1 600 X\r\n"),
        std::string("HTTP/1.1 200 OK\n"),
        std::string("\r\n"),
        ok + "\r\n",
        ok + "Content-Length: 1\n",
        ok + "Content-Length: -1\r\n",
        ok + "Content-Length: +1\r\n",
        ok + "Content-Length: 0x1\r\n",
        ok + "Content-Length:\r\n",
        ok + "Content-Length: 1, 1\r\n",
        ok + "Content-Length: 99999999999999999999\r\n",
        ok + "Content-Length: 268435457\r\n",
        ok + "Content-Length: 1\r\nContent-Length: 1\r\n",
        ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ok + "Transfer-Encoding: gzip\r\n",
        ok + "Transfer-Encoding: gzip, chunked\r\n",
        ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ok + "No colon\r\n",
        ok + "Name : x\r\n",
        ok + " folded: x\r\n",
        ok + ": x\r\n",
        ok + "A: b\rc\r\n",
        ok + std::string("A: b\0c\r\n", 8),
        chunks + "\r\n",
        chunks + "g\r\n",
        chunks + "-1\r\n",
        chunks + "1\r\nab\r\n",
        chunks + "10000001\r\n",
        ok + "A: " + std::string(ResponseReader::most_head, 'a')}) {
    ResponseReader reader;
    EXPECT_FALSE(reader.feed(response)) << response.substr(0, 200);
  }
}

}  // namespace
}  // namespace gims::bench

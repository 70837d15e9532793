#include "app/push_gateway.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <thread>

#include "support/temp_folder.hpp"
#include "sys/socket.hpp"

namespace gims::app {
namespace {

class PushGatewayTest : public ::testing::Test {
 protected:
  void write_token(std::string_view text) { std::ofstream(token) << text; }
  std::string notify_code() {
    const auto answer = gateway->notify("{}");
    return answer ? "" : answer.error().code;
  }
  test::TempFolder folder;
  const std::string token = folder.file("token");
  const std::string socket = folder.file("socket");
  std::unique_ptr<LocalPushGateway> gateway =
      *LocalPushGateway::create({.socket = socket,
                                 .url = "https://push.gims.internal:8444/_matrix/push/v1/notify",
                                 .token_file = token});
};

TEST_F(PushGatewayTest, NeedsAToken) {
  EXPECT_EQ(notify_code(), "ENOENT");
  for (const char* bad : {"", "\n", "a b", "a\nb\n", "a\r\n", "\x01"}) {
    write_token(bad);
    EXPECT_EQ(notify_code(), "PUSH_TOKEN") << bad;
  }
  write_token(std::string(257, 'a'));
  EXPECT_EQ(notify_code(), "EFBIG");
}

// A service that began anew has another token: it is read for every connection, and one that was
// refused is not asked over again.
TEST_F(PushGatewayTest, ReadsTheTokenForEachConnection) {
  const sys::Fd listener = *sys::stream_listen(socket, 0600);
  std::vector<std::string> heard;
  std::thread server([&] {
    for (const char* status : {"401 Unauthorized", "200 OK"}) {
      std::optional<sys::Fd> peer;
      while (!peer) peer = *sys::accept(listener.get(), sys::Blocking::yes);
      std::string text;
      char byte = 0;
      while (!text.ends_with("{}") && ::recv(peer->get(), &byte, 1, 0) == 1) text.push_back(byte);
      heard.push_back(text);
      const std::string answer =
          "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 2\r\n\r\n{}";
      static_cast<void>(::send(peer->get(), answer.data(), answer.size(), MSG_NOSIGNAL));
      // Until the client closes.
      static_cast<void>(::recv(peer->get(), &byte, 1, 0));
    }
  });
  write_token("old\n");
  EXPECT_EQ(gateway->notify("{}")->status, 401);
  write_token("new");
  EXPECT_EQ(gateway->notify("{}")->status, 200);
  gateway.reset();
  server.join();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_TRUE(heard[0].starts_with(
      "POST /_matrix/push/v1/notify HTTP/1.1\r\nHost: push.gims.internal:8444\r\n"
      "Authorization: Bearer old\r\n"));
  EXPECT_TRUE(heard[1].contains("Authorization: Bearer new\r\n"));
}

}  // namespace
}  // namespace gims::app

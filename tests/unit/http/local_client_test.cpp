#include "http/local_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "support/temp_folder.hpp"
#include "sys/event_fd.hpp"
#include "sys/socket.hpp"

namespace gims::http {
namespace {

constexpr std::string_view taken = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

class LocalClientTest : public ::testing::Test {
 protected:
  LocalClientTest() : socket(*sys::stream_listen(path, 0600)) {}
  ~LocalClientTest() override {
    if (server.joinable()) server.join();
  }
  // The server's part, with the next connection.
  void serve(std::function<void(int)> part) {
    if (server.joinable()) server.join();
    server = std::thread([this, part = std::move(part)] {
      std::optional<sys::Fd> peer;
      while (!peer) peer = *sys::accept(socket.get(), sys::Blocking::yes);
      part(peer->get());
    });
  }
  static std::string heard(int peer, std::string_view end) {
    std::string text;
    char byte = 0;
    while (!text.ends_with(end) && ::recv(peer, &byte, 1, 0) == 1) text.push_back(byte);
    return text;
  }
  static void say(int peer, std::string_view text) {
    ASSERT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  LocalClient client(std::chrono::milliseconds patience = std::chrono::minutes(1)) {
    return {path, patience, cancelled.fd()};
  }
  static std::string code_of(const Result<Answer>& answer) {
    return answer ? "" : answer.error().code;
  }

  test::TempFolder folder;
  const std::string path = folder.file("socket");
  sys::Fd socket;
  const sys::EventFd cancelled = *sys::EventFd::create();
  const SecretBytes none;
  std::thread server;
};

TEST_F(LocalClientTest, AsksOnOneConnection) {
  std::string first;
  std::string second;
  serve([&](int peer) {
    first = heard(peer, "{\"a\":1}");
    say(peer, taken);
    second = heard(peer, "{}");
    say(peer, taken);
  });
  LocalClient asks = client();
  const auto token = *SecretBytes::copy_of(std::vector<std::uint8_t>{'t', 'k'});
  ASSERT_EQ(asks.post("push", "/notify", token, R"({"a":1})")->body, "{}");
  ASSERT_EQ(asks.post("push", "/notify", none, "{}")->status, 200);
  server.join();
  EXPECT_EQ(first,
            "POST /notify HTTP/1.1\r\nHost: push\r\nAuthorization: Bearer tk\r\n"
            "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
  EXPECT_EQ(second,
            "POST /notify HTTP/1.1\r\nHost: push\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}");
}

TEST_F(LocalClientTest, ConnectsAgainToAServerThatBeganAnew) {
  LocalClient asks = client();
  for (int i = 0; i < 2; ++i) {
    serve([&](int peer) {
      heard(peer, "{}");
      say(peer, taken);
    });
    EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "");
    server.join();  // and with it the connection
    EXPECT_FALSE(asks.connected());
  }
}

TEST_F(LocalClientTest, ClosesWhatIsNoAnswer) {
  serve([&](int peer) {
    heard(peer, "{}");
    say(peer, "HTTP/1.1 200 OK\r\n\r\n");
  });
  LocalClient asks = client();
  EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "HTTP_ANSWER");
  EXPECT_FALSE(asks.connected());
}

TEST_F(LocalClientTest, EndsWhereTheServerDoes) {
  serve([](int peer) { heard(peer, "{}"); });
  LocalClient asks = client();
  EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "ECONNRESET");
}

TEST_F(LocalClientTest, SaysThatNobodyIsThere) {
  LocalClient asks{folder.file("nobody"), std::chrono::minutes(1), cancelled.fd()};
  EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "ENOENT");
}

TEST_F(LocalClientTest, WaitsForItsPatienceAndNoLonger) {
  LocalClient asks = client(std::chrono::milliseconds(1));
  EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "ETIMEDOUT");  // it is in the queue
}

TEST_F(LocalClientTest, IsCancelled) {
  serve([this](int peer) {
    heard(peer, "{}");
    cancelled.signal();
    heard(peer, "never");
  });
  LocalClient asks = client();
  EXPECT_EQ(code_of(asks.post("push", "/", none, "{}")), "ECANCELED");
}

}  // namespace
}  // namespace gims::http

// Connections with a tether (sys/handover.hpp). Their sockets here are encrypted by nobody: what
// the kernel's TLS adds is tried in unit/ktls.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "site.hpp"

namespace gims::http {
namespace {

using test::Client;
using test::get;
using test::route;
using test::Site;
using test::text_response;

class TetherTest : public ::testing::Test {
 protected:
  TetherTest()
      : site_({route(Method::get, "/ok", [](Responder responder) {
          std::move(responder).reply(text_response(200, "ok"));
        })}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    auto tether = sys::stream_pair(sys::Blocking::yes);
    EXPECT_TRUE(pair && tether);
    site_.server().adopt({std::move(pair->first), std::move(tether->first)}, {});
    client_.emplace(std::move(pair->second));
    tether_.emplace(std::move(tether->second));
  }
  Site site_;
  std::optional<Client> client_;
  std::optional<Client> tether_;
};

TEST_F(TetherTest, SaysThatTheConnectionWasInUse) {
  EXPECT_EQ(client_->ask(get("/ok"))->body, "ok");
  EXPECT_EQ(tether_->read_some(10), 1U);
}

TEST_F(TetherTest, EndsWithTheConnection) {
  EXPECT_EQ(client_->ask(get("/ok"))->body, "ok");
  client_->close();
  while (tether_->read_some(10) > 0) {
  }
  EXPECT_TRUE(tether_->closed_by_server());
  EXPECT_EQ(site_.server().connections(), 0U);
}

TEST_F(TetherTest, IsHeldUntilTheClientHasEndedToo) {
  client_->send("GET /ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client_->receive()->body, "ok");
  while (client_->read_some(10) > 0) {
  }
  char byte = 0;
  EXPECT_EQ(::recv(tether_->fd(), &byte, 1, MSG_DONTWAIT), -1) << "what the client sends is read";
  client_->close();
  EXPECT_TRUE(tether_->closed_by_server());
}

TEST_F(TetherTest, EndsTheConnectionWhenItIsShut) {
  EXPECT_EQ(client_->ask(get("/ok"))->body, "ok");
  tether_->shut_sending();
  while (client_->read_some(10) > 0) {
  }
  EXPECT_TRUE(client_->closed_by_server());
  EXPECT_TRUE(tether_->closed_by_server());
}

}  // namespace
}  // namespace gims::http

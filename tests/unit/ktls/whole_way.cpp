#include "whole_way.hpp"

#include <unistd.h>

#include <utility>

namespace gims::test {

using http::test::get;
using http::test::route;
using http::test::text_response;

WholeWay::~WholeWay() {
  fake_kernel::refuse(fake_kernel::Refuses::nothing);
  if (front_) front_->stop();
  {
    const std::lock_guard lock(mutex_);
    waiter_.reset();
  }
  if (intake_) intake_->stop();
}

tls::FrontOptions WholeWay::options() {
  auto options = tls::test::loopback_options();
  options.kernel_tls = true;
  return options;
}

std::vector<http::Route> WholeWay::routes() {
  std::vector<http::Route> routes;
  routes.push_back(route(http::Method::get, "/who", [](http::Responder responder) {
    std::string address = responder.request().peer.address;
    std::move(responder).reply(text_response(200, std::move(address)));
  }));
  routes.push_back(route(
      http::Method::post, "/echo",
      [](http::Responder responder) {
        std::string body = responder.request().body;
        std::move(responder).reply(text_response(200, std::move(body)));
      },
      http::Run::on_loop, std::size_t{1} << 21));
  routes.push_back(route(http::Method::get, "/wait", [this](http::Responder responder) {
    responder.on_gone([this] { gone_ = true; });
    const std::lock_guard lock(mutex_);
    waiter_.emplace(std::move(responder));
  }));
  return routes;
}

void WholeWay::start(tls::FrontOptions front, http::ServerOptions server) {
  site_ = std::make_unique<http::test::Site>(routes(), server);
  auto socket = sys::seqpacket_listen(folder_.file("connections"), 0600);
  ASSERT_TRUE(socket);
  auto intake = http::Listener::intake(
      std::move(*socket), ::getuid(), [this](http::Incoming connection, http::Peer peer) {
        site_->server().adopt(std::move(connection), std::move(peer));
      });
  ASSERT_TRUE(intake);
  intake_ = std::move(*intake);
  sink_ = std::make_unique<tls::GimsdSink>(folder_.file("connections"));
  auto made = tls::Front::start(std::move(front), leaf_, *sink_, clock_);
  ASSERT_TRUE(made);
  front_ = std::move(*made);
}

std::string WholeWay::ask(TestClient& client) {
  if (!client.write(get("/who"))) return {};
  std::string answer;
  while (!answer.contains("\r\n\r\n")) {
    const std::string byte = client.read_text(1);
    if (byte.empty()) return {};
    answer += byte;
  }
  return client.read_text(std::string_view("127.0.0.1").size());
}

bool WholeWay::is_ended(TestClient& client) {
  return client.read_text(1).empty() && client.ended_with_close_notify();
}

void WholeWay::expect_connections(std::size_t count) {
  EXPECT_TRUE(tls::test::TestFront::wait_for_status([&] {
    return front_->status().connections == count && site_->server().connections() == count;
  })) << front_->status().connections
      << " and " << site_->server().connections();
}

void WholeWay::expect_whole(std::uint64_t count) {
  EXPECT_TRUE(tls::test::TestFront::wait_for_status(
      [&] { return front_->status().kernel == count && front_->status().delivered == count; }));
}

void WholeWay::expect_waiter() {
  EXPECT_TRUE(tls::test::TestFront::wait_for_status([&] {
    const std::lock_guard lock(mutex_);
    return waiter_.has_value();
  }));
}

void WholeWay::expect_gone() {
  EXPECT_TRUE(tls::test::TestFront::wait_for_status([&] { return gone_.load(); }));
}

}  // namespace gims::test

// The whole way of a connection in one process: gims-tlsd's front with a kernel's TLS, the socket
// between the daemons, and gimsd's HTTP.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "fake_kernel.hpp"
#include "http/listener.hpp"
#include "support/temp_folder.hpp"
#include "tls/gimsd_sink.hpp"
#include "unit/http/site.hpp"
#include "unit/tls/test_client.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::test {

using tls::test::TestClient;

class WholeWay : public ::testing::Test {
 protected:
  ~WholeWay() override;
  void start(tls::FrontOptions front = options(), http::ServerOptions server = {});
  static tls::FrontOptions options();

  tls::Front& front() { return *front_; }
  http::Server& server() { return site_->server(); }
  std::uint16_t port() const { return front_->ports().at(0); }
  static std::unique_ptr<TestClient> connect_to(
      std::uint16_t port, TestClient::Version version = TestClient::Version::tls13,
      std::uint8_t from = 1) {
    return TestClient::connect(port, version, false, from);
  }
  std::unique_ptr<TestClient> connect(TestClient::Version version = TestClient::Version::tls13,
                                      std::uint8_t from = 1) const {
    return connect_to(port(), version, from);
  }
  // Asks /who and reads the answer; empty when it was not answered.
  static std::string ask(TestClient& client);
  // Whether the connection ends, and with close_notify.
  static bool is_ended(TestClient& client);
  // Both daemons have so many connections, before long.
  void expect_connections(std::size_t count);
  // So many connections, of all that were accepted, came to gimsd whole.
  void expect_whole(std::uint64_t count);
  // A request that waits has come; and its client has gone.
  void expect_waiter();
  void expect_gone();
  // From now on nobody takes what the front hands over.
  void stop_intake() { intake_->stop(); }

 private:
  std::vector<http::Route> routes();

  TempFolder folder_;
  SystemClock clock_;
  tls::test::FixedLeafSource leaf_;
  std::mutex mutex_;
  std::optional<http::Responder> waiter_;
  std::atomic<bool> gone_{false};
  std::unique_ptr<http::test::Site> site_;
  std::unique_ptr<http::Listener> intake_;
  std::unique_ptr<tls::GimsdSink> sink_;
  std::unique_ptr<tls::Front> front_;
};

}  // namespace gims::test

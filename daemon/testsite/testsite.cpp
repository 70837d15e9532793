#include "testsite/testsite.hpp"

#include <poll.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "app/site.hpp"
#include "base/log.hpp"
#include "http/listener.hpp"
#include "sys/errno.hpp"
#include "sys/harden.hpp"
#include "sys/kernel_tls.hpp"
#include "sys/signals.hpp"
#include "sys/socket.hpp"
#include "testsite/keys.hpp"
#include "testsite/shared_secret.hpp"
#include "tls/file_leaf_source.hpp"
#include "tls/front.hpp"

namespace gims::testsite {
namespace {

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

// "127.0.0.1:8008", "[::1]:8008"
Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Endpoint endpoint;
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  const std::string_view port =
      colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size() ||
      !sys::IpAddress::parse(address)) {
    return fail(ErrorKind::bad_input, "TESTSITE_ADDRESS",
                "'" + std::string(text) + "' is not an address such as 127.0.0.1:8008.");
  }
  endpoint.address = address;
  return endpoint;
}

Result<app::SiteOptions> site_options(const Options& options, hsm::DataKeys keys,
                                      std::string base_url, const Clock& clock) {
  app::SiteOptions site{.services = {.policy = service::test_site_policy(),
                                     .folder = options.data,
                                     .keys = std::move(keys)},
                        .http = {}};
  service::Policy& policy = site.services.policy;
  policy.server_name = options.server_name;
  policy.base_url = std::move(base_url);
  policy.default_room_version = options.room_version;
  policy.rate_limits = options.rate_limits;
  policy.rate_refill_factor = 10'000;
  if (!options.relay_host.empty()) {
    site.services.relay.host = options.relay_host;
    GIMS_TRY_ASSIGN(site.services.relay.secret, SecretBytes::random(32));
  }
  if (!options.shared_secret.empty()) {
    policy.registration_secret = Redacted(options.shared_secret);
    site.more_routes = [&clock](app::Services& services) {
      return shared_secret_routes(services, clock);
    };
  }
  return site;
}

// Gives the TLS front's connections to the site in the same process.
class SiteSink final : public tls::ConnectionSink {
 public:
  explicit SiteSink(app::Site& site) noexcept : site_(site) {}
  [[nodiscard]] Result<> deliver(tls::Delivery&& delivery, const sys::Handover& handover) override {
    site_.adopt(
        {std::move(delivery.connection), std::move(delivery.tether)},
        {.address = handover.peer.ip.to_string(), .door = http::Door::client, .uid = std::nullopt});
    return {};
  }

 private:
  app::Site& site_;
};

Result<std::unique_ptr<tls::Front>> start_tls(const Options& options, tls::LeafSource& leaf,
                                              SiteSink& sink, const Clock& clock) {
  GIMS_TRY_ASSIGN(const Endpoint at, parse_endpoint(options.tls_listen));
  tls::FrontOptions front;
  front.listeners.push_back({.door = sys::Door::client, .address = at.address, .port = at.port});
  front.connections_per_address = front.connections;
  front.handshakes_per_address = front.handshakes;
  front.kernel_tls = sys::kernel_has_tls();
  return tls::Front::start(std::move(front), leaf, sink, clock);
}

void wait_for_stop(const sys::SignalFd& signals) {
  while (true) {
    pollfd wait{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, -1);
    while (const auto signal = signals.next()) {
      if (*signal == SIGTERM || *signal == SIGINT) return;
    }
  }
}

Result<> make_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return sys::fail_with_errno("mkdir " + folder.string(), failed.value());
  return {};
}

}  // namespace

Result<> run(const Options& options) {
  GIMS_TRY_ASSIGN(const auto signals, sys::SignalFd::for_service());
  GIMS_TRY_ASSIGN(const Endpoint at, parse_endpoint(options.listen));
  GIMS_TRY(make_folder(options.data));
  GIMS_TRY_ASSIGN(auto keys, load_keys(options.data));
  static_cast<void>(sys::raise_open_files(2 * http::ServerOptions{}.connections + 256));
  GIMS_TRY_ASSIGN(auto port, sys::tcp_listen(at.address, at.port));
  const std::string where =
      sys::SocketAddress{.ip = *sys::IpAddress::parse(at.address), .port = port.port}.to_string();

  const SystemClock clock;
  GIMS_TRY_ASSIGN(auto opened, site_options(options, std::move(keys), "http://" + where, clock));
  GIMS_TRY_ASSIGN(const auto site, app::Site::open(std::move(opened), clock));
  GIMS_TRY(site->serve());
  GIMS_TRY_ASSIGN(const auto listener,
                  http::Listener::tcp(std::move(port.fd), http::Door::client,
                                      [&](http::Incoming connection, http::Peer peer) {
                                        site->adopt(std::move(connection), std::move(peer));
                                      }));
  tls::FileLeafSource leaf(options.tls_cert, options.tls_key);
  SiteSink sink(*site);
  std::unique_ptr<tls::Front> front;
  if (!options.tls_listen.empty()) {
    GIMS_TRY_ASSIGN(front, start_tls(options, leaf, sink, clock));
    std::printf("TLS on port %d\n", static_cast<int>(front->ports().front()));
  }
  std::printf("listening on %s\n", where.c_str());
  std::fflush(stdout);
  wait_for_stop(signals);
  if (front) front->stop();
  listener->stop();
  site->stop();
  return {};
}

Result<std::string> describe_routes() {
  std::string folder = std::filesystem::temp_directory_path() / "gimsd-testsite-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return sys::fail_errno("mkdtemp " + folder);
  const SystemClock clock;
  const auto described = [&]() -> Result<std::string> {
    const Options options{.listen = {},
                          .server_name = "localhost",
                          .data = folder,
                          .shared_secret = "secret",
                          .tls_listen = {},
                          .tls_cert = {},
                          .tls_key = {},
                          .relay_host = "localhost"};
    GIMS_TRY_ASSIGN(auto keys, load_keys(options.data));
    GIMS_TRY_ASSIGN(auto opened, site_options(options, std::move(keys), "http://localhost", clock));
    GIMS_TRY_ASSIGN(const auto site, app::Site::open(std::move(opened), clock));
    return site->routes();
  }();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return described;
}

}  // namespace gims::testsite

// The server as it runs: services, gate, HTTP; what gimsd and gimsd-testsite share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/gate.hpp"
#include "app/services.hpp"
#include "http/server.hpp"
#include "sys/notify.hpp"

namespace gims::app {

struct SiteOptions {
  ServiceOptions services;
  http::ServerOptions http;
  std::vector<std::uint32_t> admins = {};  // uids beside root's on the admin socket
  // Routes beside those of Services (a test site's).
  std::function<api::Routes(Services&)> more_routes = nullptr;
};

// Thread: open, serve, watch, stop by one; the rest from any.
class Site {
 public:
  // Opens the database and makes the services. `clock` outlives the site.
  [[nodiscard]] static Result<std::unique_ptr<Site>> open(SiteOptions options, const Clock& clock);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();  // as stop()

  // All of its routes (api::describe). Before serve().
  [[nodiscard]] std::string routes() const;
  // Starts the threads: connections can be adopted.
  [[nodiscard]] Result<> serve();
  void adopt(http::Incoming connection, http::Peer peer);
  // After serve(): each loop, the workers and the store's writer have to answer for the watchdog,
  // which lives longer.
  void watch(sys::Watchdog& watchdog);
  // One line for a person: whether the store is read-only or the audit log does not hold, how many
  // connections there are.
  [[nodiscard]] std::string status() const;
  [[nodiscard]] bool read_only() const noexcept;
  [[nodiscard]] Services& services() noexcept { return *services_; }
  // Answers what is asked, ends every connection, finishes what is queued. Idempotent.
  void stop();

 private:
  Site() = default;
  http::ServerOptions http_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<api::Gate> gate_;
  api::Routes routes_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace gims::app

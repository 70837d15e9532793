#include "app/site.hpp"

#include <utility>

#include "app/pages.hpp"
#include "base/log.hpp"

namespace gims::app {

Result<std::unique_ptr<Site>> Site::open(SiteOptions options, const Clock& clock) {
  std::unique_ptr<Site> site(new Site);
  site->http_ = options.http;
  const bool limits = options.services.policy.rate_limits;
  const service::Policy& policy = options.services.policy;
  const api::RateFactors rates{.user = policy.user_rates,
                               .address = policy.address_rates,
                               .refill_time = policy.rate_refill_factor};
  GIMS_TRY_ASSIGN(site->services_, Services::create(std::move(options.services), clock));
  site->gate_ = std::make_unique<api::Gate>(
      api::GateOptions{
          .rate_limits = limits,
          .admin_uids = std::move(options.admins),
          .rates = rates,
          .console = &site->services_->console_authenticator(),
          .site = site->services_->policy().server_name,
          .pages =
              [](const http::Request& request) { return Pages(console_files()).answer(request); }},
      site->services_->authenticator(), clock);
  site->routes_ = site->services_->routes([here = site.get()] {
    return here->server_ ? here->server_->connections() : std::size_t{0};
  });
  if (options.more_routes) {
    for (api::Route& route : options.more_routes(*site->services_)) {
      site->routes_.push_back(std::move(route));
    }
  }
  return site;
}

std::string Site::routes() const { return api::describe(routes_); }

Result<> Site::serve() {
  GIMS_TRY_ASSIGN(server_,
                  http::Server::start(http_, gate_->routes(std::move(routes_)), gate_->renderer()));
  return {};
}

void Site::adopt(http::Incoming connection, http::Peer peer) {
  server_->adopt(std::move(connection), std::move(peer));
}

void Site::watch(sys::Watchdog& watchdog) {
  for (unsigned part = 0; part < server_->parts(); ++part) {
    auto pulse = std::make_shared<sys::Watchdog::Pulse*>(nullptr);
    *pulse = &watchdog.add_loop(
        [this, part, pulse] { server_->poke(part, [beating = *pulse] { beating->beat(); }); });
  }
  auto pulse = std::make_shared<sys::Watchdog::Pulse*>(nullptr);
  *pulse = &watchdog.add_loop([this, pulse] {
    // An operation that does nothing. A read-only store refuses it at once, which is an answer too:
    // a restart would not bring the disk back, and would end the reads that still work.
    services_->store().writer().submit([](store::Transaction&) { return Result<>(); },
                                       [beating = *pulse](const Result<>&) { beating->beat(); });
  });
}

bool Site::read_only() const noexcept { return services_->store().writer().read_only(); }

std::string Site::status() const {
  std::string status = read_only() ? "READ-ONLY, a write failed (see the journal); " : "Serving, ";
  if (services_->store_check().damage()) {
    status.insert(0, "DAMAGED, see the journal and run 'gimsctl check --full'; ");
  }
  if (const auto audit = services_->audit().state();
      audit.standing == service::AuditStanding::broken) {
    status.insert(0, "AUDIT LOG: " + audit.text + "; ");
  }
  return status + std::to_string(server_ ? server_->connections() : 0) + " connections";
}

Site::~Site() { stop(); }

void Site::stop() {
  if (services_) services_->end_waits();
  if (server_) server_->stop();
  if (services_) services_->stop();
}

}  // namespace gims::app

#include "service/site_status.hpp"

#include <utility>

namespace gims::service {

Result<SiteReport> SiteStatus::collect() {
  SiteReport report;
  report.version = version_;
  report.server_name = policy_.server_name;
  report.uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - started_);
  if (store_.writer().read_only()) report.read_only_reason = store_.writer().read_only_reason();
  report.damage = check_.damage();
  report.position = store_.position();
  report.connections = connections_ ? connections_() : 0;
  GIMS_TRY_ASSIGN(report.users, users_.count());
  report.audit = audit_.state();
  report.push = push_.state();
  return report;
}

void SiteStatus::report(std::move_only_function<void(Result<SiteReport>)> done) {
  audit_.ask_witness([this, done = std::move(done)](Result<std::string> keyd) mutable {
    auto report = collect();
    if (report) report->keyd = keyd ? std::move(*keyd) : "not reached: " + keyd.error().text;
    done(std::move(report));
  });
}

}  // namespace gims::service

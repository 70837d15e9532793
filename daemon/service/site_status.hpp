// How the whole site is, for administrators.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "service/accounts/users.hpp"
#include "service/audit_log.hpp"
#include "service/policy.hpp"
#include "service/push/delivery.hpp"
#include "service/store_check.hpp"
#include "store/store.hpp"

namespace gims::service {

struct SiteReport {
  std::string version;
  std::string server_name;
  std::chrono::seconds uptime{};
  std::optional<std::string> read_only_reason;  // nothing: the store takes writes
  std::optional<std::string> damage;            // nothing: none is known
  store::StreamId position = 0;
  std::string keyd;  // its state, or why it cannot be asked
  std::size_t connections = 0;
  Users::Counts users;
  AuditState audit;
  std::optional<push::DeliveryState> push;  // nothing: the site has no push service
};

// Thread: any.
class SiteStatus {
 public:
  SiteStatus(store::Store& store, StoreCheck& check, Users& users, AuditLog& audit,
             const push::Delivery& push, const Policy& policy, const Clock& clock,
             std::string version)
      : store_(store),
        check_(check),
        users_(users),
        audit_(audit),
        push_(push),
        policy_(policy),
        clock_(clock),
        version_(std::move(version)),
        started_(clock.steady()) {}
  // How many connections there are, as the server says. Set before the first request.
  void count_connections(std::function<std::size_t()> count) { connections_ = std::move(count); }

  // Asks gims-keyd, so it may take a few seconds; a gims-keyd that does not answer is no failure.
  void report(std::move_only_function<void(Result<SiteReport>)> done);
  [[nodiscard]] StoreCheck& store_check() noexcept { return check_; }

 private:
  [[nodiscard]] Result<SiteReport> collect();

  store::Store& store_;
  StoreCheck& check_;
  Users& users_;
  AuditLog& audit_;
  const push::Delivery& push_;
  const Policy& policy_;
  const Clock& clock_;
  const std::string version_;
  const std::chrono::steady_clock::time_point started_;
  std::function<std::size_t()> connections_;
};

}  // namespace gims::service

// Every service of the server, made in order and joined through the interfaces they state.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "api/gate.hpp"
#include "api/route.hpp"
#include "base/clock.hpp"
#include "hsm/proto/messages.hpp"
#include "service/accounts/sessions.hpp"
#include "service/accounts/users.hpp"
#include "service/attestation.hpp"
#include "service/audit_log.hpp"
#include "service/calls.hpp"
#include "service/console/keyd.hpp"
#include "service/policy.hpp"
#include "service/store_check.hpp"
#include "service/two_persons.hpp"
#include "store/store.hpp"

namespace gims::app {

struct ServiceOptions {
  service::Policy policy;
  std::filesystem::path folder;  // database and media; it must exist
  hsm::DataKeys keys;
  store::Migrate migrate = store::Migrate::at_open;
  service::CallRelay relay = {};
  // gims-keyd, for the audit log's head; nothing on a test site.
  std::unique_ptr<service::AuditWitness> witness = nullptr;
  // gims-keyd, for what the unit states about itself; nothing on a test site.
  std::unique_ptr<service::AttestationSource> attestation = nullptr;
  // gims-keyd, for what two administrators decide.
  std::unique_ptr<service::KeydDecisions> decisions = nullptr;
  // gims-keyd, for who may use the console, and its name of the site.
  std::unique_ptr<service::console::KeydApprovals> approvals = nullptr;
  std::string organisation = {};
};

// Thread: create, stop and destroy by one. What it gives lives as long as it does.
class Services {
 public:
  // Opens the store, which may take long when its schema is older. Fails for a database of another
  // server name. `clock` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<Services>> create(ServiceOptions options,
                                                                const Clock& clock);
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;
  ~Services();  // as stop()

  // The tables of all modules. `connections`: how many there are, for administrators.
  [[nodiscard]] api::Routes routes(std::function<std::size_t()> connections);
  [[nodiscard]] api::Authenticator& authenticator() noexcept;
  [[nodiscard]] api::ConsoleAuthenticator& console_authenticator() noexcept;
  [[nodiscard]] store::Store& store() noexcept;
  [[nodiscard]] const service::Policy& policy() const noexcept;
  [[nodiscard]] service::Users& users() noexcept;
  [[nodiscard]] service::Sessions& sessions() noexcept;
  [[nodiscard]] const service::AuditLog& audit() const noexcept;
  [[nodiscard]] const service::StoreCheck& store_check() const noexcept;

  // Before the HTTP server stops: long polls are answered, none is taken any more; a check ends.
  void end_waits();
  // After it has stopped: finishes what is queued and closes the store. Idempotent.
  void stop();

 private:
  struct Parts;
  explicit Services(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gims::app

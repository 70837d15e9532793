// The custodian of the site's keys: its state, and what it does in each.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "hsm/core/custody_file.hpp"
#include "hsm/core/event_logs.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/core/vault.hpp"
#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/messages.hpp"

namespace gims::hsm {

// Which request is allowed in which state is not decided here but in the table of dispatch.hpp;
// calling one in another state is a bug. Thread: one.
class Custodian {
 public:
  // `clock` outlives it.
  Custodian(StateFolder folder, std::unique_ptr<Vault> vault, const Clock& clock,
            std::string version);

  // Finds the state that the folder and the vault are in. Whatever keeps the keys away ends in
  // State::locked, with the reason in status().
  void start();
  // Where that reason may pass by itself (the hardware is away), tick() tries again: 5 s later,
  // then twice as long after each further time, up to 5 minutes. Gives in how long tick() is due;
  // nothing: it is not.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_try() const;
  void tick();

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] StatusReply status() const;
  // The state, and what an administrator should know of it, in one line.
  [[nodiscard]] std::string summary() const;

  // unprovisioned, zeroized:
  [[nodiscard]] Result<> provision(const ProvisionRequest& request);
  // locked: as start(), and says why it failed.
  [[nodiscard]] Result<> unlock();
  // locked, operational. Unless the files alone are to go, it fails with nothing changed where the
  // hardware that made the custody file did not destroy its part, or cannot be told from another.
  [[nodiscard]] Result<ZeroizeReply> zeroize(const ZeroizeRequest& request);

  // operational. A leaf does not outlive its issuing CA:
  [[nodiscard]] Result<LeafReply> sign_leaf(const LeafRequest& request);
  [[nodiscard]] SiteRootReply site_root() const;
  [[nodiscard]] Result<DataKeys> data_keys() const;
  [[nodiscard]] const ServerKeyReply& server_key() const;
  [[nodiscard]] Result<std::vector<Signature>> sign_events(std::span<const BytesView> events) const;
  [[nodiscard]] Result<> extend_audit(const AuditHead& head);
  [[nodiscard]] const AuditHead& audit_head() const;

  // What the hardware states of itself (custodian_attest.cpp); operational. Fails
  // (GIMS_KEYD_CUSTODY) with hardware that states nothing.
  [[nodiscard]] Result<AttestReply> attest(const AttestNonce& nonce);
  [[nodiscard]] Result<SecretBytes> activate(const ActivateRequest& request);
  [[nodiscard]] Result<AuditCertificate> certify_audit();
  // Before start(); without, there are none.
  void use(EventLogs logs) noexcept { event_logs_ = std::move(logs); }
  [[nodiscard]] Result<EventLogReply> event_log(const EventLogRequest& request) const;

 private:
  // All that is there once the vault has opened the custody file.
  struct Open {
    SecretBytes root_key;
    CustodyRecord record;
    P256Point ca_public{};
    std::int64_t ca_end = 0;  // of the issuing CA's certificate; seconds since 1970 UTC
    ServerKey server_key;
    AuditHead audit_head;
    // Asked of the hardware once: it takes long and never changes.
    std::optional<Attestor::Identity> identity;
  };
  Result<Open> open_site(BytesView file);
  // The first half of it: the vault and the custody file alone.
  Result<Open> open_custody(BytesView file);
  void lock(const Error& error);
  // What zeroize() has the vault do; gives the doubt of ZeroizeReply.
  Result<std::string> destroy_in_vault();
  void warn_of_ca_end() const;
  Result<CustodyRecord> make_record(const SiteParameters& site, const Vault::Sealed& sealed,
                                    const SecretBytes& root_key) const;
  Result<> write_new(const ProvisionRequest& request, const SecretBytes& root_key);
  Result<> describe_vault();
  Result<Attestor*> attestor();
  Result<const Attestor::Identity*> identity(const SecretBytes& hardware_secret);
  [[nodiscard]] std::int64_t now() const { return clock_.now_ms() / 1000; }
  [[nodiscard]] const Open& open() const;
  [[nodiscard]] Open& open();

  StateFolder folder_;
  std::unique_ptr<Vault> vault_;
  const Clock& clock_;
  const std::string version_;
  const std::chrono::steady_clock::time_point started_;
  EventLogs event_logs_;

  State state_ = State::locked;
  std::string reason_ = "gims-keyd has not looked yet.";
  std::string vault_description_;
  std::optional<Open> open_;
  std::chrono::milliseconds retry_{0};
  std::optional<std::chrono::steady_clock::time_point> retry_at_;
};

}  // namespace gims::hsm

// What only goes forward: the audit log's head and the database's position, and the hardware's
// counter that tells whether the file in which they are kept is the newest there ever was
// (docs/protocol-keyd.md, "Older copies").
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.hpp"
#include "hsm/core/custody_file.hpp"
#include "hsm/core/vault.hpp"

namespace gims::hsm {

// state.bin. Each file carries a number; a checkpoint writes the next number and then advances the
// hardware's counter to it. At a start the two are equal, or the file is one ahead, where the power
// went between the two steps; a file that lies behind is an older copy.
//
// Between checkpoints, ten minutes at the most, the file is written anew with the same number: a
// TPM's memory bears some hundred thousand writes, and so two years at least of a busy site. An
// older copy of those last minutes is not noticed.
class Freshness {
 public:
  static constexpr std::chrono::seconds checkpoint_pause{600};

  // Who keeps it; each outlives the object.
  struct Backing {
    const StateFolder* folder = nullptr;
    Vault* vault = nullptr;
    const Clock* clock = nullptr;
    BytesView vault_blob;
    std::uint64_t custody_number = 0;  // CustodyRecord::number
    const SecretBytes* root_key = nullptr;
  };

  // The state of a new site, written.
  [[nodiscard]] static Result<Freshness> begin(const Backing& backing);
  // Reads the file. Fails with older_code where it or custody.bin is an older copy, or one of
  // another unit. A custody.bin that is newer was written just before the power went.
  [[nodiscard]] static Result<Freshness> resume(const Backing& backing);
  // The state of a site that the recovery quorum brought into this hardware: what the file tells of
  // audit log and database stays, with this hardware's number. One that is not there, or not of
  // this site, is begun.
  [[nodiscard]] static Result<Freshness> adopt(const Backing& backing);
  // Takes what there is as the newest, whatever the counter and the file say: the recovery quorum
  // said so. Audit log and database are told anew. Gives what was known of them before.
  [[nodiscard]] static Result<KeptState> accept(const Backing& backing);

  // Each is on the disk before it returns. The same head again is no failure; one that does not
  // follow is a conflict (GIMS_KEYD_AUDIT).
  [[nodiscard]] Result<> extend_audit(const Backing& backing, const AuditHead& head);
  [[nodiscard]] const AuditHead& audit_head() const noexcept { return kept_.audit; }
  // How far the database is. A lower position than was marked, or an audit log that ends before the
  // head, is of an older copy: fails with older_code, and nothing is marked.
  [[nodiscard]] Result<> mark_store(const Backing& backing, const StoreMark& mark);
  // custody.bin was written, with the number in `backing`.
  [[nodiscard]] Result<> note_custody(const Backing& backing);

  // When checkpoint() is due; nothing: there is nothing new.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> due() const noexcept {
    return due_;
  }
  [[nodiscard]] Result<> checkpoint(const Backing& backing);
  [[nodiscard]] std::uint64_t number() const noexcept { return kept_.number; }

 private:
  explicit Freshness(KeptState kept) noexcept : kept_(kept) {}
  static Result<Freshness> take(const Backing& backing, KeptState kept);
  Result<> write(const Backing& backing, const KeptState& next);

  KeptState kept_;
  bool ahead_ = false;  // the file is: the counter was not advanced yet
  std::optional<std::chrono::steady_clock::time_point> due_;
};

}  // namespace gims::hsm

#include "hsm/core/freshness.hpp"

#include <string>
#include <utility>

#include "hsm/core/keys.hpp"

namespace gims::hsm {
namespace {

// What the quorum decides on: there is an older copy, or none that says how new it is.
std::unexpected<Error> older(const std::string& text) {
  return fail(ErrorKind::unavailable, older_code, text);
}

Result<std::uint64_t> counter_of(const Freshness::Backing& backing) {
  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(*backing.root_key, Purpose::hardware));
  return backing.vault->counter(backing.vault_blob, hardware);
}

Result<std::uint64_t> advance(const Freshness::Backing& backing) {
  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(*backing.root_key, Purpose::hardware));
  return backing.vault->advance(backing.vault_blob, hardware);
}

Result<KeptState> read(const Freshness::Backing& backing) {
  constexpr auto name = StateFolder::state;
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, backing.folder->read(name));
  if (!file) {
    return older(std::string(name) + " is missing: it was removed after provisioning.");
  }
  auto kept = decode_state(*file, *backing.root_key);
  if (!kept) return older(std::string(name) + ": " + kept.error().text);
  return kept;
}

// What the file tells; nothing where it is not there, or not of this site.
Result<KeptState> known(const Freshness::Backing& backing) {
  auto kept = read(backing);
  if (!kept && kept.error().code == older_code) return KeptState{};
  return kept;
}

}  // namespace

Result<> Freshness::write(const Backing& backing, const KeptState& next) {
  GIMS_TRY_ASSIGN(const Bytes file, encode_state(next, *backing.root_key));
  GIMS_TRY(backing.folder->write(StateFolder::state, file));
  if (!due_) due_ = backing.clock->steady() + checkpoint_pause;
  kept_ = next;
  return {};
}

Result<Freshness> Freshness::take(const Backing& backing, KeptState kept) {
  GIMS_TRY_ASSIGN(kept.number, counter_of(backing));
  kept.custody = backing.custody_number;
  Freshness freshness(kept);
  GIMS_TRY(freshness.write(backing, kept));
  return freshness;
}

Result<Freshness> Freshness::begin(const Backing& backing) { return take(backing, {}); }

Result<Freshness> Freshness::resume(const Backing& backing) {
  GIMS_TRY_ASSIGN(const KeptState kept, read(backing));
  GIMS_TRY_ASSIGN(std::uint64_t counter, counter_of(backing));
  if (kept.number == counter + 1) {
    GIMS_TRY_ASSIGN(counter, advance(backing));
  }
  if (kept.number != counter) {
    return older(
        "state.bin is number " + std::to_string(kept.number) +
        ", and this unit has written number " + std::to_string(counter) +
        ": an older copy of gims-keyd's files was put back. Put the newest back, or let the "
        "recovery quorum accept this one: gims-keyd accept-older.");
  }
  if (backing.custody_number < kept.custody) {
    return older(
        "custody.bin is number " + std::to_string(backing.custody_number) +
        ", and this unit has written number " + std::to_string(kept.custody) +
        ": an older copy of it was put back. Put the newest back, or let the recovery quorum "
        "accept this one: gims-keyd accept-older.");
  }
  Freshness freshness(kept);
  GIMS_TRY(freshness.note_custody(backing));
  return freshness;
}

Result<Freshness> Freshness::adopt(const Backing& backing) {
  GIMS_TRY_ASSIGN(const KeptState kept, known(backing));
  GIMS_TRY_ASSIGN(Freshness freshness, take(backing, kept));
  // So that the copies of before, which have this number, are older ones.
  GIMS_TRY(freshness.checkpoint(backing));
  return freshness;
}

Result<KeptState> Freshness::accept(const Backing& backing) {
  GIMS_TRY_ASSIGN(const KeptState before, known(backing));
  GIMS_TRY_ASSIGN(Freshness freshness, take(backing, {}));
  GIMS_TRY(freshness.checkpoint(backing));
  return before;
}

Result<> Freshness::extend_audit(const Backing& backing, const AuditHead& head) {
  if (head == kept_.audit) return {};
  if (head.sequence <= kept_.audit.sequence) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_AUDIT",
                "The audit log's head is entry " + std::to_string(kept_.audit.sequence) +
                    "; entry " + std::to_string(head.sequence) + " cannot follow it.");
  }
  KeptState next = kept_;
  next.audit = head;
  return write(backing, next);
}

Result<> Freshness::mark_store(const Backing& backing, const StoreMark& mark) {
  constexpr auto what_to_do =
      ": an older copy of it was put back. Put the newest back, or let the recovery quorum accept "
      "this "
      "one: gims-keyd accept-older.";
  if (mark.position < kept_.store_position) {
    return older("The database is at position " + std::to_string(mark.position) +
                 ", and it was at position " + std::to_string(kept_.store_position) + " before" +
                 what_to_do);
  }
  if (mark.audit_entry.value_or(kept_.audit.sequence) < kept_.audit.sequence) {
    return older("The database's audit log ends with entry " + std::to_string(*mark.audit_entry) +
                 ", and it had entry " + std::to_string(kept_.audit.sequence) + " before" +
                 what_to_do);
  }
  if (mark.position == kept_.store_position) return {};
  KeptState next = kept_;
  next.store_position = mark.position;
  return write(backing, next);
}

Result<> Freshness::note_custody(const Backing& backing) {
  if (backing.custody_number <= kept_.custody) return {};
  KeptState next = kept_;
  next.custody = backing.custody_number;
  GIMS_TRY(write(backing, next));
  // Seldom, and what an older copy of it would undo matters: at once.
  due_ = backing.clock->steady();
  return {};
}

Result<> Freshness::checkpoint(const Backing& backing) {
  if (!due_) return {};
  // If it fails it is tried again, later.
  due_ = backing.clock->steady() + checkpoint_pause;
  if (!ahead_) {
    KeptState next = kept_;
    ++next.number;
    GIMS_TRY(write(backing, next));
    ahead_ = true;
  }
  GIMS_TRY(advance(backing));
  ahead_ = false;
  due_.reset();
  return {};
}

}  // namespace gims::hsm

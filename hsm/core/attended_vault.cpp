#include "hsm/core/attended_vault.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/core/attended_blob.hpp"
#include "hsm/core/attestor_of_part.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> custody(ErrorKind kind, std::string_view text) {
  return fail(kind, "GIMS_KEYD_CUSTODY", text);
}

std::unexpected<Error> waits() {
  return custody(ErrorKind::unavailable,
                 "It waits for a person: gims-keyd unlock, at the terminal.");
}

// The same text for whatever it was: who tries is not told which part fits.
std::unexpected<Error> not_opened(const std::string& name) {
  return fail(
      ErrorKind::forbidden, person_code,
      "It was not opened by " + name +
          ": the passphrase or key is another one, or custody.bin is damaged. It waits for a "
          "person: gims-keyd unlock, at the terminal.");
}

std::string_view name_of_slot(const Slot& slot) { return slot.person.name; }

class AttendedVault final : public Vault, public Attendance {
 public:
  explicit AttendedVault(std::unique_ptr<Vault> inner) : inner_(std::move(inner)) {}

  std::string kind() const override { return inner_->kind(); }
  bool removable() const noexcept override { return inner_->removable(); }
  Result<Info> info() override { return inner_->info(); }
  Result<> probe() override { return inner_->probe(); }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& hardware_secret,
                           bool replace) override {
    Bytes placed;
    auto sealed = seal(root_key, [&](const SecretBytes& half) -> Result<Sealed> {
      GIMS_TRY_ASSIGN(Sealed inner, inner_->provision(half, hardware_secret, replace));
      placed = inner.blob;
      return inner;
    });
    if (!sealed && !placed.empty()) {
      if (const auto undone = inner_->destroy(placed, &hardware_secret); !undone) {
        log::failure(log::id::keys_left_behind,
                     "the keys of a provisioning that failed stay in the hardware", undone.error());
      }
    }
    return sealed;
  }

  Result<Opened> open(BytesView bytes) override {
    // What was given is good for one try.
    const std::optional<PersonKey> given = std::exchange(given_, std::nullopt);
    GIMS_TRY_ASSIGN(const AttendedBlob blob, decode_attended(bytes));
    GIMS_TRY_ASSIGN(SecretBytes factor, factor_for(blob, given));
    GIMS_TRY_ASSIGN(Opened opened, inner_->open(blob.inner));
    GIMS_TRY_ASSIGN(opened.root_key, exclusive_or(opened.root_key, factor));
    const bool by_person = given && !blob.slots.empty();
    if (auto whole = check_attended(bytes, opened.root_key); !whole) {
      if (by_person) return not_opened(given->name);
      return pass(std::move(whole));
    }
    factor_ = std::move(factor);
    if (by_person) {
      log::notice(log::id::person_opened, "a person opened the keys", {{"PERSON", given->name}});
    }
    return opened;
  }

  Result<> settle(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->settle(inner, hardware_secret);
  }

  Result<P256Signature> sign(BytesView bytes, KeyUse use, const Digest& digest) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->sign(inner, use, digest);
  }

  Result<Bytes> for_signing(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    GIMS_TRY_ASSIGN(const Bytes signs, inner_->for_signing(inner));
    return encode_for_signing(signs);
  }

  Result<std::vector<Signature>> sign_events(BytesView bytes,
                                             std::span<const BytesView> events) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->sign_events(inner, events);
  }

  Result<Sealed> renew_ca(BytesView bytes) override {
    GIMS_TRY_ASSIGN(Whole whole, opened_anew(bytes));
    GIMS_TRY_ASSIGN(const Sealed sealed, inner_->renew_ca(whole.blob.inner));
    return whole_of(whole.blob, sealed, whole.root_key);
  }

  Result<Sealed> reseal(BytesView bytes, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return seal(root_key, [&](const SecretBytes& half) { return inner_->reseal(inner, half); });
  }

  Result<std::uint64_t> counter(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->counter(inner, hardware_secret);
  }
  Result<std::uint64_t> advance(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->advance(inner, hardware_secret);
  }

  Result<bool> holds(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->holds(inner);
  }

  Result<Destruction> destroy(BytesView bytes, const SecretBytes* hardware_secret) override {
    GIMS_TRY_ASSIGN(const BytesView inner, inner_of(bytes));
    return inner_->destroy(inner, hardware_secret);
  }

  void forget() noexcept override {
    factor_ = SecretBytes();
    given_.reset();
  }

  Attestor* attestor() noexcept override {
    Attestor* const of_inner = inner_->attestor();
    return of_inner == nullptr ? nullptr : &attestor_.emplace(*of_inner, inner_of);
  }
  ReleaseGate* release_gate() noexcept override { return inner_->release_gate(); }
  Attendance* attendance() noexcept override { return this; }

  Result<std::vector<Person>> persons(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const AttendedBlob blob, decode_attended(bytes));
    std::vector<Person> persons;
    persons.reserve(blob.slots.size());
    for (const Slot& slot : blob.slots) persons.push_back(slot.person);
    return persons;
  }

  void give(PersonKey key) override { given_ = std::move(key); }

  Result<Bytes> add(BytesView bytes, Person person, const SecretBytes& key) override {
    GIMS_TRY_ASSIGN(Whole whole, opened_anew(bytes));
    std::vector<Slot>& slots = whole.blob.slots;
    if (find(slots, person.name) != slots.end()) {
      return custody(ErrorKind::conflict, "There is a person of this name already.");
    }
    if (slots.size() >= max_persons) {
      return custody(ErrorKind::too_large,
                     "There are " + std::to_string(max_persons) + " persons already.");
    }
    GIMS_TRY_ASSIGN(Slot slot, make_slot(std::move(person), key, factor_));
    slots.push_back(std::move(slot));
    whole.blob.factor = SecretBytes();
    return encode_attended(whole.blob, whole.root_key);
  }

  Result<Bytes> remove(BytesView bytes, std::string_view name) override {
    GIMS_TRY_ASSIGN(Whole whole, opened_anew(bytes));
    std::vector<Slot>& slots = whole.blob.slots;
    const auto slot = find(slots, name);
    if (slot == slots.end()) {
      return custody(ErrorKind::not_found, "There is no person of this name.");
    }
    if (slots.size() == 1) {
      return custody(ErrorKind::conflict,
                     "This is the last person: without one the keys would open by themselves. Add "
                     "another one first.");
    }
    slots.erase(slot);
    return encode_attended(whole.blob, whole.root_key);
  }

 private:
  // A blob that opens, with the root key that it opens to.
  struct Whole {
    AttendedBlob blob;
    SecretBytes root_key;
  };

  // With a factor of its own and nobody named; `by_inner` seals the half.
  template <class ByInner>
  static Result<Sealed> seal(const SecretBytes& root_key, const ByInner& by_inner) {
    AttendedBlob blob;
    GIMS_TRY_ASSIGN(blob.factor, SecretBytes::random(key_size));
    GIMS_TRY_ASSIGN(const SecretBytes half, exclusive_or(root_key, blob.factor));
    GIMS_TRY_ASSIGN(const Sealed sealed, by_inner(half));
    return whole_of(blob, sealed, root_key);
  }

  // The factor of the person that is there, or else the one that is held.
  Result<SecretBytes> factor_for(const AttendedBlob& blob,
                                 const std::optional<PersonKey>& given) const {
    if (blob.slots.empty()) return blob.factor.clone();
    if (!given && factor_.empty()) return waits();
    if (!given) return factor_.clone();
    const auto slot = std::ranges::find(blob.slots, given->name, name_of_slot);
    if (slot == blob.slots.end()) return not_opened(given->name);
    return factor_in(*slot, given->key);
  }

  static std::vector<Slot>::iterator find(std::vector<Slot>& slots, std::string_view name) {
    return std::ranges::find(slots, name, name_of_slot);
  }

  // Of a blob that is open: by the factor that is held.
  Result<Whole> opened_anew(BytesView bytes) {
    Whole whole;
    GIMS_TRY_ASSIGN(whole.blob, decode_attended(bytes));
    if (factor_.empty()) return waits();
    GIMS_TRY_ASSIGN(const Opened opened, inner_->open(whole.blob.inner));
    GIMS_TRY_ASSIGN(whole.root_key, exclusive_or(opened.root_key, factor_));
    GIMS_TRY(check_attended(bytes, whole.root_key));
    return whole;
  }

  static Result<Sealed> whole_of(AttendedBlob& blob, const Sealed& inner,
                                 const SecretBytes& root_key) {
    blob.inner = inner.blob;
    Sealed sealed = inner;
    GIMS_TRY_ASSIGN(sealed.blob, encode_attended(blob, root_key));
    return sealed;
  }

  std::unique_ptr<Vault> inner_;
  std::optional<AttestorOfPart> attestor_;
  SecretBytes factor_;
  std::optional<PersonKey> given_;
};

}  // namespace

std::unique_ptr<Vault> make_attended_vault(std::unique_ptr<Vault> inner) {
  return std::make_unique<AttendedVault>(std::move(inner));
}

}  // namespace gims::hsm

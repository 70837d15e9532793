#include "hsm/core/combined_vault.hpp"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/core/attestor_of_part.hpp"
#include "hsm/core/keys.hpp"

namespace gims::hsm {
namespace {

constexpr std::uint8_t blob_version = 1;
constexpr std::size_t max_half = std::size_t{8} * 1024;

std::unexpected<Error> damaged() {
  return fail(ErrorKind::internal, "GIMS_KEYD_CUSTODY",
              "The two vaults' part of the custody file is damaged, or its halves are not of one "
              "site.");
}

struct Halves {
  BytesView first;
  BytesView second;
};

// Of a blob with its MAC at the end, which nothing can check before there is a root key.
Result<Halves> decode(BytesView blob) {
  if (blob.size() < mac_size) return damaged();
  Reader reader(blob.first(blob.size() - mac_size));
  if (reader.u8() != blob_version) reader.refuse();
  Halves halves;
  halves.first = reader.bytes(max_half);
  halves.second = reader.bytes(max_half);
  if (!reader.finish()) return damaged();
  return halves;
}

Result<Bytes> encode(const Halves& halves, const SecretBytes& root_key) {
  Bytes room(header_size + 2 * max_half + 64);
  Writer writer(room);
  writer.u8(blob_version);
  writer.bytes(halves.first);
  writer.bytes(halves.second);
  if (halves.first.size() > max_half || halves.second.size() > max_half) return damaged();
  Bytes blob(writer.body().begin(), writer.body().end());
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, Purpose::combined_blob));
  append_mac(key, blob);
  return blob;
}

Result<BytesView> first_half(BytesView blob) {
  GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
  return halves.first;
}

class CombinedVault final : public Vault {
 public:
  CombinedVault(std::unique_ptr<Vault> first, std::unique_ptr<Vault> second)
      : first_(std::move(first)), second_(std::move(second)) {
    if (Attestor* attestor = first_->attestor()) attestor_.emplace(*attestor, first_half);
  }

  std::string kind() const override { return first_->kind() + "+" + second_->kind(); }
  bool removable() const noexcept override { return first_->removable() || second_->removable(); }

  Result<Info> info() override {
    GIMS_TRY_ASSIGN(const Info first, first_->info());
    GIMS_TRY_ASSIGN(const Info second, second_->info());
    return Info{.description = first.description + " and " + second.description,
                .software = first.software && second.software};
  }

  // To ask a TPM every few seconds whether it is there would serve nothing.
  Result<> probe() override {
    if (first_->removable() || !second_->removable()) GIMS_TRY(first_->probe());
    if (second_->removable() || !first_->removable()) GIMS_TRY(second_->probe());
    return {};
  }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& hardware_secret,
                           bool replace) override {
    GIMS_TRY_ASSIGN(const Split split, split_of(root_key));
    GIMS_TRY_ASSIGN(const Sealed first, first_->provision(split.pad, hardware_secret, replace));
    auto second = second_->provision(split.rest, hardware_secret, replace);
    if (!second) {
      undo(*first_, first.blob, hardware_secret);
      return pass(std::move(second));
    }
    auto sealed = joined(first, *second, root_key);
    if (!sealed) {
      undo(*first_, first.blob, hardware_secret);
      undo(*second_, second->blob, hardware_secret);
    }
    return sealed;
  }

  Result<Opened> open(BytesView blob) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    GIMS_TRY_ASSIGN(const Opened first, first_->open(halves.first));
    GIMS_TRY_ASSIGN(const Opened second, second_->open(halves.second));
    Opened opened;
    GIMS_TRY_ASSIGN(opened.root_key, exclusive_or(first.root_key, second.root_key));
    GIMS_TRY_ASSIGN(const SecretBytes key, derive(opened.root_key, Purpose::combined_blob));
    if (!checked_by_mac(key, blob)) return damaged();
    opened.ca_public = second.ca_public;
    opened.attestation_public = first.attestation_public;
    opened.server_public = second.server_public;
    return opened;
  }

  Result<> settle(BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    GIMS_TRY(first_->settle(halves.first, hardware_secret));
    return second_->settle(halves.second, hardware_secret);
  }

  Result<P256Signature> sign(BytesView blob, KeyUse use, const Digest& digest) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    return use == KeyUse::issuing_ca ? second_->sign(halves.second, use, digest)
                                     : first_->sign(halves.first, use, digest);
  }

  Result<std::vector<Signature>> sign_events(BytesView blob,
                                             std::span<const BytesView> events) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    return second_->sign_events(halves.second, events);
  }

  Result<Sealed> renew_ca(BytesView blob) override {
    GIMS_TRY_ASSIGN(const Opened opened, open(blob));
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    GIMS_TRY_ASSIGN(const Sealed second, second_->renew_ca(halves.second));
    const Sealed first{.blob = Bytes(halves.first.begin(), halves.first.end()),
                       .ca_public = {},
                       .attestation_public = opened.attestation_public};
    return joined(first, second, opened.root_key);
  }

  Result<Sealed> reseal(BytesView blob, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    GIMS_TRY_ASSIGN(const Split split, split_of(root_key));
    GIMS_TRY_ASSIGN(const Sealed first, first_->reseal(halves.first, split.pad));
    GIMS_TRY_ASSIGN(const Sealed second, second_->reseal(halves.second, split.rest));
    return joined(first, second, root_key);
  }

  Result<std::uint64_t> counter(BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    return first_->counter(halves.first, hardware_secret);
  }
  Result<std::uint64_t> advance(BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    return first_->advance(halves.first, hardware_secret);
  }

  // Either half alone opens nothing.
  Result<bool> holds(BytesView blob) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    GIMS_TRY_ASSIGN(const bool first, first_->holds(halves.first));
    if (!first) return false;
    return second_->holds(halves.second);
  }

  Result<Destruction> destroy(BytesView blob, const SecretBytes* hardware_secret) override {
    GIMS_TRY_ASSIGN(const Halves halves, decode(blob));
    auto first = first_->destroy(halves.first, hardware_secret);
    auto second = second_->destroy(halves.second, hardware_secret);
    const bool one_done =
        (first && *first == Destruction::done) || (second && *second == Destruction::done);
    if (!one_done) return first ? std::move(second) : std::move(first);
    for (const auto* half : {&first, &second}) {
      if (*half) continue;
      log::failure(log::id::keys_left_behind,
                   "the keys are destroyed in one of two vaults; the other has still its half",
                   half->error());
    }
    return Destruction::done;
  }

  Attestor* attestor() noexcept override { return attestor_ ? &*attestor_ : nullptr; }
  ReleaseGate* release_gate() noexcept override { return first_->release_gate(); }

 private:
  struct Split {
    SecretBytes pad;
    SecretBytes rest;
  };
  static Result<Split> split_of(const SecretBytes& root_key) {
    Split split;
    GIMS_TRY_ASSIGN(split.pad, SecretBytes::random(key_size));
    GIMS_TRY_ASSIGN(split.rest, exclusive_or(root_key, split.pad));
    return split;
  }
  static Result<Sealed> joined(const Sealed& first, const Sealed& second,
                               const SecretBytes& root_key) {
    Sealed sealed{.blob = {},
                  .ca_public = second.ca_public,
                  .attestation_public = first.attestation_public,
                  .server_public = second.server_public};
    GIMS_TRY_ASSIGN(sealed.blob, encode({.first = first.blob, .second = second.blob}, root_key));
    return sealed;
  }
  static void undo(Vault& vault, BytesView blob, const SecretBytes& hardware_secret) {
    if (const auto undone = vault.destroy(blob, &hardware_secret); !undone) {
      log::failure(log::id::keys_left_behind,
                   "the keys of a provisioning that failed stay in the hardware", undone.error());
    }
  }

  std::unique_ptr<Vault> first_;
  std::unique_ptr<Vault> second_;
  std::optional<AttestorOfPart> attestor_;
};

}  // namespace

std::unique_ptr<Vault> make_combined_vault(std::unique_ptr<Vault> first,
                                           std::unique_ptr<Vault> second) {
  return std::make_unique<CombinedVault>(std::move(first), std::move(second));
}

}  // namespace gims::hsm

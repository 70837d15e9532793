// A vault in memory: what the hardware keeps is in a FakeHardware, which tests break in ways that a
// TPM cannot be broken on purpose.
#pragma once

#include <memory>
#include <utility>

#include "base/check.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/core/p256.hpp"
#include "hsm/core/vault.hpp"

namespace gims::test {

struct FakeHardware {
  SecretBytes seal;  // empty: never provisioned, or destroyed
  bool software = true;
  bool reachable = true;
  std::uint8_t name = 1;  // another one: other hardware
  int signatures = 0;
};

class FakeVault final : public hsm::Vault {
 public:
  explicit FakeVault(std::shared_ptr<FakeHardware> hardware) : hardware_(std::move(hardware)) {}

  std::string kind() const override { return "fake"; }

  Result<Info> info() override {
    GIMS_TRY(reach());
    return Info{.description = "fake", .software = hardware_->software};
  }

  Result<Sealed> provision(const SecretBytes& root_key, bool replace) override {
    GIMS_TRY(reach());
    if (!hardware_->seal.empty() && !replace) return refused("an earlier site");
    GIMS_TRY_ASSIGN(hardware_->seal, SecretBytes::random(hsm::key_size));
    GIMS_TRY_ASSIGN(const hsm::P256Key ca, hsm::generate_p256());
    GIMS_TRY_ASSIGN(SecretBytes both, SecretBytes::zeroed(64));
    std::ranges::copy(root_key.bytes(), both.writable().begin());
    std::ranges::copy(ca.scalar.bytes(), both.writable().subspan(32).begin());
    hsm::Bytes blob = hsm::wrap(hardware_->seal, "fake", both);
    blob.push_back(hardware_->name);
    return Sealed{.blob = std::move(blob), .ca_public = ca.public_key};
  }

  Result<Opened> open(hsm::BytesView blob) override {
    GIMS_TRY_ASSIGN(const SecretBytes both, unseal(blob));
    Opened opened;
    GIMS_TRY_ASSIGN(opened.root_key, SecretBytes::copy_of(both.bytes().first(32)));
    GIMS_TRY_ASSIGN(const hsm::P256Key ca, ca_of(both));
    opened.ca_public = ca.public_key;
    return opened;
  }

  Result<hsm::P256Signature> sign(hsm::BytesView blob, const hsm::Digest& digest) override {
    GIMS_TRY_ASSIGN(const SecretBytes both, unseal(blob));
    GIMS_TRY_ASSIGN(const hsm::P256Key ca, ca_of(both));
    ++hardware_->signatures;
    return hsm::p256_sign(ca, digest);
  }

  Result<Destruction> destroy(hsm::BytesView blob) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    if (hardware_->seal.empty()) return Destruction::nothing_there;
    hardware_->seal = SecretBytes();
    return Destruction::done;
  }

 private:
  static std::unexpected<Error> refused(std::string_view text) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
  }
  Result<> reach() const {
    if (!hardware_->reachable) {
      return fail(ErrorKind::unavailable, hsm::away_code, "the hardware cannot be reached");
    }
    return {};
  }
  Result<> check_name(hsm::BytesView blob) const {
    if (blob.empty() || blob.back() != hardware_->name) return refused("this is other hardware");
    return {};
  }
  Result<SecretBytes> unseal(hsm::BytesView blob) const {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    if (hardware_->seal.empty()) return refused("the hardware holds nothing");
    return hsm::unwrap(hardware_->seal, "fake", blob.first(blob.size() - 1));
  }
  static Result<hsm::P256Key> ca_of(const SecretBytes& both) {
    GIMS_TRY_ASSIGN(SecretBytes scalar, SecretBytes::copy_of(both.bytes().subspan(32)));
    return hsm::p256_from_scalar(std::move(scalar));
  }

  std::shared_ptr<FakeHardware> hardware_;
};

}  // namespace gims::test

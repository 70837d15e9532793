// A vault in memory: what the hardware keeps is in a FakeHardware, which tests break in ways that a
// TPM cannot be broken on purpose.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/core/vault.hpp"
#include "hsm/proto/attest_messages.hpp"

namespace gims::test {

struct FakeHardware {
  SecretBytes seal;       // empty: never provisioned, or destroyed
  SecretBytes next_seal;  // of a blob that was made anew and not settled yet
  SecretBytes password;   // the hardware secret that it was settled with
  std::uint64_t counter = 0;
  bool software = true;
  bool reachable = true;
  std::uint8_t name = 1;  // another one: other hardware
  int signatures = 0;
  bool attests = true;
  int identities = 0;
  std::size_t pcrs = hsm::quoted_pcr_count;
};

class FakeVault final : public hsm::Vault, public hsm::Attestor {
 public:
  explicit FakeVault(std::shared_ptr<FakeHardware> hardware) : hardware_(std::move(hardware)) {}

  std::string kind() const override { return "fake"; }

  Result<Info> info() override {
    GIMS_TRY(reach());
    return Info{.description = "fake", .software = hardware_->software};
  }

  Result<> probe() override { return reach(); }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& /*hardware_secret*/,
                           bool replace) override {
    GIMS_TRY(reach());
    if (!hardware_->seal.empty() && !replace) return refused("an earlier site");
    GIMS_TRY_ASSIGN(hardware_->seal, SecretBytes::random(hsm::key_size));
    hardware_->next_seal = SecretBytes();
    ++hardware_->counter;
    return sealed_by(hardware_->seal, root_key);
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

  Result<> settle(hsm::BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const SecretBytes both, unseal(blob));
    // Whichever opened it stays.
    if (!hardware_->next_seal.empty() &&
        hsm::unwrap(hardware_->next_seal, "fake", without_name(blob))) {
      hardware_->seal = std::move(hardware_->next_seal);
    }
    hardware_->next_seal = SecretBytes();
    GIMS_TRY_ASSIGN(hardware_->password, hardware_secret.clone());
    return {};
  }

  Result<Sealed> renew_ca(hsm::BytesView blob) override {
    GIMS_TRY_ASSIGN(const Opened opened, open(blob));
    return sealed_by(hardware_->seal, opened.root_key);
  }

  Result<Sealed> reseal(hsm::BytesView blob, const SecretBytes& root_key) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    GIMS_TRY_ASSIGN(hardware_->next_seal, SecretBytes::random(hsm::key_size));
    return sealed_by(hardware_->next_seal, root_key);
  }

  Result<std::uint64_t> counter(hsm::BytesView blob, const SecretBytes& /*secret*/) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    return hardware_->counter;
  }

  Result<std::uint64_t> advance(hsm::BytesView blob, const SecretBytes& secret) override {
    GIMS_TRY(counter(blob, secret));
    return ++hardware_->counter;
  }

  Result<Destruction> destroy(hsm::BytesView blob, const SecretBytes* hardware_secret) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    if (hardware_secret != nullptr) hardware_->password = SecretBytes();
    if (hardware_->seal.empty()) return Destruction::nothing_there;
    hardware_->seal = SecretBytes();
    hardware_->next_seal = SecretBytes();
    return Destruction::done;
  }

  hsm::Attestor* attestor() noexcept override { return hardware_->attests ? this : nullptr; }

  // What it states is what it was asked with, so that a test sees that.
  Result<Identity> identity(hsm::BytesView blob, const SecretBytes& /*secret*/) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    ++hardware_->identities;
    return Identity{.attestation_key = {1}, .endorsement_key = {2}, .endorsement_certificate = {3}};
  }
  Result<Quote> quote(hsm::BytesView blob, const hsm::Digest& nonce) override {
    GIMS_TRY_ASSIGN(Statement statement, stated(blob, 'q', nonce));
    return Quote{.statement = std::move(statement),
                 .pcrs = std::vector<hsm::Digest>(hardware_->pcrs, hsm::Digest{7})};
  }
  Result<Statement> certify_counter(hsm::BytesView blob, const SecretBytes& /*secret*/,
                                    const hsm::Digest& statement) override {
    return stated(blob, 'c', statement);
  }
  Result<Statement> certify_release(hsm::BytesView blob, const hsm::Digest& statement) override {
    return stated(blob, 'r', statement);
  }
  Result<SecretBytes> activate(hsm::BytesView blob, const SecretBytes& /*secret*/,
                               hsm::BytesView credential, hsm::BytesView encrypted) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    hsm::Bytes both(credential.begin(), credential.end());
    both.insert(both.end(), encrypted.begin(), encrypted.end());
    return SecretBytes::copy_of(both);
  }

 private:
  Result<Statement> stated(hsm::BytesView blob, char what, const hsm::Digest& about) const {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    hsm::Bytes attest{static_cast<std::uint8_t>(what)};
    attest.insert(attest.end(), about.begin(), about.end());
    return Statement{.attest = std::move(attest), .signature = {.r = {5}, .s = {6}}};
  }
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
  static hsm::BytesView without_name(hsm::BytesView blob) {
    return blob.first(blob.empty() ? 0 : blob.size() - 1);
  }
  Result<SecretBytes> unseal(hsm::BytesView blob) const {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    if (hardware_->seal.empty()) return refused("the hardware holds nothing");
    if (!hardware_->next_seal.empty()) {
      if (auto opened = hsm::unwrap(hardware_->next_seal, "fake", without_name(blob)))
        return opened;
    }
    return hsm::unwrap(hardware_->seal, "fake", without_name(blob));
  }
  Result<Sealed> sealed_by(const SecretBytes& seal, const SecretBytes& root_key) const {
    GIMS_TRY_ASSIGN(const hsm::P256Key ca, hsm::generate_p256());
    GIMS_TRY_ASSIGN(SecretBytes both, SecretBytes::zeroed(64));
    std::ranges::copy(root_key.bytes(), both.writable().begin());
    std::ranges::copy(ca.scalar.bytes(), both.writable().subspan(32).begin());
    hsm::Bytes blob = hsm::wrap(seal, "fake", both);
    blob.push_back(hardware_->name);
    return Sealed{.blob = std::move(blob), .ca_public = ca.public_key};
  }
  static Result<hsm::P256Key> ca_of(const SecretBytes& both) {
    GIMS_TRY_ASSIGN(SecretBytes scalar, SecretBytes::copy_of(both.bytes().subspan(32)));
    return hsm::p256_from_scalar(std::move(scalar));
  }

  std::shared_ptr<FakeHardware> hardware_;
};

}  // namespace gims::test

// A vault in memory: what the hardware keeps is in a FakeHardware, which tests break in ways that a
// TPM cannot be broken on purpose.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
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
  // What was started, now and when either was sealed.
  int boot = 1;
  int seal_boot = 1;
  int next_boot = 1;
  SecretBytes password;  // the hardware secret that it was settled with
  std::uint64_t counter = 0;
  bool counter_stuck = false;  // it cannot be advanced
  bool software = true;
  bool reachable = true;
  bool removable = false;
  bool fail_signatures = false;
  bool eddsa = false;       // whether it makes a key for events when it is provisioned
  SecretBytes server_seed;  // of that key
  int probes = 0;
  std::uint8_t name = 1;  // another one: other hardware
  int signatures = 0;
  int opened = 0;
  // Called at the beginning of each call, as many times as there are; a test looks at what there is
  // at that time, as if the power went.
  std::function<void()> at_call;
  // Calls until the hardware is away, as at the end of a process; nothing: never.
  std::optional<int> calls_left;
  bool attests = true;
  int identities = 0;
  std::size_t pcrs = hsm::quoted_pcr_count;
};

class FakeVault final : public hsm::Vault, public hsm::Attestor {
 public:
  explicit FakeVault(std::shared_ptr<FakeHardware> hardware) : hardware_(std::move(hardware)) {}

  std::string kind() const override { return "fake"; }
  bool removable() const noexcept override { return hardware_->removable; }

  Result<Info> info() override {
    GIMS_TRY(reach());
    return Info{.description = "fake", .software = hardware_->software};
  }

  Result<> probe() override {
    ++hardware_->probes;
    return reach();
  }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& /*hardware_secret*/,
                           bool replace) override {
    GIMS_TRY(reach());
    if (!hardware_->seal.empty() && !replace) return refused("an earlier site");
    GIMS_TRY_ASSIGN(hardware_->seal, SecretBytes::random(hsm::key_size));
    hardware_->next_seal = SecretBytes();
    hardware_->seal_boot = hardware_->boot;
    ++hardware_->counter;
    GIMS_TRY_ASSIGN(const hsm::P256Key attestation, hsm::generate_p256());
    hardware_->server_seed = SecretBytes();
    if (hardware_->eddsa) {
      GIMS_TRY_ASSIGN(hardware_->server_seed, SecretBytes::random(hsm::key_size));
    }
    return sealed_by(hardware_->seal, root_key, attestation);
  }

  Result<Opened> open(hsm::BytesView blob) override {
    ++hardware_->opened;
    GIMS_TRY_ASSIGN(Parts parts, unseal(blob));
    Opened opened;
    opened.root_key = std::move(parts.root_key);
    opened.ca_public = parts.ca.public_key;
    opened.attestation_public = parts.attestation.public_key;
    opened.server_public = server_public();
    return opened;
  }

  Result<hsm::P256Signature> sign(hsm::BytesView blob, hsm::KeyUse use,
                                  const hsm::Digest& digest) override {
    GIMS_TRY_ASSIGN(const Parts parts, unseal(blob));
    if (hardware_->fail_signatures) return refused("this one failed");
    ++hardware_->signatures;
    return hsm::p256_sign(use == hsm::KeyUse::issuing_ca ? parts.ca : parts.attestation, digest);
  }

  Result<std::vector<hsm::Signature>> sign_events(hsm::BytesView blob,
                                                  std::span<const hsm::BytesView> events) override {
    GIMS_TRY(unseal(blob));
    if (hardware_->server_seed.empty()) return Vault::sign_events(blob, events);
    if (hardware_->fail_signatures) return refused("this one failed");
    GIMS_TRY_ASSIGN(const hsm::ServerKey key, hsm::server_key_from_seed(hardware_->server_seed));
    std::vector<hsm::Signature> signatures;
    for (const hsm::BytesView event : events) {
      ++hardware_->signatures;
      signatures.push_back(hsm::sign_with(key, event));
    }
    return signatures;
  }

  Result<> settle(hsm::BytesView blob, const SecretBytes& hardware_secret) override {
    GIMS_TRY(unseal(blob));
    // Whichever opened it stays.
    if (!hardware_->next_seal.empty() &&
        hsm::unwrap(hardware_->next_seal, "fake", without_name(blob))) {
      hardware_->seal = std::move(hardware_->next_seal);
      hardware_->seal_boot = hardware_->next_boot;
    }
    hardware_->next_seal = SecretBytes();
    GIMS_TRY_ASSIGN(hardware_->password, hardware_secret.clone());
    return {};
  }

  Result<Sealed> renew_ca(hsm::BytesView blob) override {
    GIMS_TRY_ASSIGN(const Parts parts, unseal(blob));
    return sealed_by(hardware_->seal, parts.root_key, parts.attestation);
  }

  // The keys in it know no boot; only the root key is sealed to one.
  Result<Sealed> reseal(hsm::BytesView blob, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(const Parts parts, unseal(blob, Boot::any));
    GIMS_TRY_ASSIGN(hardware_->next_seal, SecretBytes::random(hsm::key_size));
    hardware_->next_boot = hardware_->boot;
    return sealed_by(hardware_->next_seal, root_key, parts.attestation);
  }

  Result<std::uint64_t> counter(hsm::BytesView blob, const SecretBytes& /*secret*/) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    return hardware_->counter;
  }

  Result<std::uint64_t> advance(hsm::BytesView blob, const SecretBytes& secret) override {
    GIMS_TRY(counter(blob, secret));
    if (hardware_->counter_stuck) return refused("the counter is worn out");
    return ++hardware_->counter;
  }

  Result<bool> holds(hsm::BytesView blob) override {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    return !hardware_->seal.empty() || !hardware_->next_seal.empty();
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
    if (hardware_->at_call) hardware_->at_call();
    if (hardware_->calls_left) {
      if (*hardware_->calls_left == 0) hardware_->reachable = false;
      if (*hardware_->calls_left > 0) --*hardware_->calls_left;
    }
    if (!hardware_->reachable) {
      return fail(ErrorKind::unavailable, hsm::away_code, "the hardware cannot be reached");
    }
    return {};
  }
  Result<> check_boot(int sealed_to) const {
    if (sealed_to == hardware_->boot) return {};
    return fail(ErrorKind::unavailable, hsm::boot_code, "something else was started");
  }
  Result<> check_name(hsm::BytesView blob) const {
    if (blob.empty() || blob.back() != hardware_->name) return refused("this is other hardware");
    return {};
  }
  static hsm::BytesView without_name(hsm::BytesView blob) {
    return blob.first(blob.empty() ? 0 : blob.size() - 1);
  }
  enum class Boot : bool { any, as_sealed };
  struct Parts {
    SecretBytes root_key;
    hsm::P256Key ca;
    hsm::P256Key attestation;
  };
  Result<SecretBytes> opened_by_a_seal(hsm::BytesView blob, Boot boot) const {
    if (!hardware_->next_seal.empty()) {
      if (auto opened = hsm::unwrap(hardware_->next_seal, "fake", blob)) {
        if (boot == Boot::as_sealed) GIMS_TRY(check_boot(hardware_->next_boot));
        return opened;
      }
    }
    if (boot == Boot::as_sealed) GIMS_TRY(check_boot(hardware_->seal_boot));
    return hsm::unwrap(hardware_->seal, "fake", blob);
  }
  Result<Parts> unseal(hsm::BytesView blob, Boot boot = Boot::as_sealed) const {
    GIMS_TRY(reach());
    GIMS_TRY(check_name(blob));
    if (hardware_->seal.empty()) return refused("the hardware holds nothing");
    GIMS_TRY_ASSIGN(const SecretBytes all, opened_by_a_seal(without_name(blob), boot));
    Parts parts;
    GIMS_TRY_ASSIGN(parts.root_key, SecretBytes::copy_of(all.bytes().first(32)));
    GIMS_TRY_ASSIGN(parts.ca, key_in(all.bytes().subspan(32, 32)));
    GIMS_TRY_ASSIGN(parts.attestation, key_in(all.bytes().subspan(64, 32)));
    return parts;
  }
  Result<Sealed> sealed_by(const SecretBytes& seal, const SecretBytes& root_key,
                           const hsm::P256Key& attestation) const {
    GIMS_TRY_ASSIGN(const hsm::P256Key ca, hsm::generate_p256());
    GIMS_TRY_ASSIGN(SecretBytes all, SecretBytes::zeroed(96));
    std::ranges::copy(root_key.bytes(), all.writable().begin());
    std::ranges::copy(ca.scalar.bytes(), all.writable().subspan(32).begin());
    std::ranges::copy(attestation.scalar.bytes(), all.writable().subspan(64).begin());
    hsm::Bytes blob = hsm::wrap(seal, "fake", all);
    blob.push_back(hardware_->name);
    return Sealed{.blob = std::move(blob),
                  .ca_public = ca.public_key,
                  .attestation_public = attestation.public_key,
                  .server_public = server_public()};
  }
  [[nodiscard]] std::optional<hsm::Ed25519Point> server_public() const {
    if (hardware_->server_seed.empty()) return std::nullopt;
    return hsm::server_key_from_seed(hardware_->server_seed)->published.public_key;
  }
  static Result<hsm::P256Key> key_in(hsm::BytesView bytes) {
    GIMS_TRY_ASSIGN(SecretBytes scalar, SecretBytes::copy_of(bytes));
    return hsm::p256_from_scalar(std::move(scalar));
  }

  std::shared_ptr<FakeHardware> hardware_;
};

}  // namespace gims::test

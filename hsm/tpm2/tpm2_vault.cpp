#include "hsm/tpm2/tpm2_vault.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "hsm/core/keys.hpp"
#include "hsm/tpm2/attestation.hpp"
#include "hsm/tpm2/hierarchies.hpp"
#include "hsm/tpm2/templates.hpp"
#include "hsm/tpm2/use.hpp"

namespace gims::hsm::tpm2 {
namespace {

constexpr std::string_view device_prefix = "device:";
constexpr std::string_view the_device = "/dev/tpmrm0";
constexpr std::string_view swtpm_prefix = "swtpm:path=";

// TPM2_PT_MANUFACTURER of libtpms, as four characters: "IBM" and a zero, or "SW" and two spaces.
constexpr std::uint32_t manufacturer_ibm = 0x49424D00;
constexpr std::uint32_t manufacturer_sw = 0x53572020;

constexpr TPMA_NV counter_attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) |
                                       TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA;
constexpr std::uint16_t counter_size = 8;

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

Slot other(Slot slot) { return slot == Slot::a ? Slot::b : Slot::a; }

class Tpm2Vault final : public Vault, public Attestor, public ReleaseGate {
 public:
  explicit Tpm2Vault(Options options) : options_(std::move(options)) {}

  std::string kind() const override { return "tpm2"; }

  Result<Info> info() override {
    GIMS_TRY_ASSIGN(const auto tpm, Connection::open(options_));
    const std::uint32_t maker = tpm->manufacturer();
    Info info{.description = "TPM 2.0 (", .software = is_development_tpm(options_.address, maker)};
    for (int shift = 24; shift >= 0; shift -= 8) {
      const auto c = static_cast<char>((maker >> shift) & 0xffU);
      if (c > ' ' && c < 0x7f) info.description.push_back(c);
    }
    info.description += info.software ? ", software)" : ")";
    return info;
  }

  Result<> probe() override {
    GIMS_TRY(Connection::open(options_));
    return {};
  }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& hardware_secret,
                           bool replace) override {
    std::optional<Bytes> begun;
    auto sealed = [&]() -> Result<Sealed> {
      GIMS_TRY_ASSIGN(const Use use, Use::first(options_));
      GIMS_TRY_ASSIGN(const release::ReleasePolicy* const release, use.running_release());
      GIMS_TRY(check_free(use, replace));
      begun = use.storage_name();
      for (const Slot slot : {Slot::a, Slot::b}) GIMS_TRY(use.define_value(slot));
      GIMS_TRY(make_counter(use, hardware_secret));
      GIMS_TRY(begin_release_index(use.tpm(), use.storage_key(), use.session(), *release));
      return seal(use, Slot::a, root_key, std::nullopt);
    }();
    // The value may be there already. The connection may be what failed: on a new one.
    if (!sealed && begun) {
      if (const auto undone = destroy_in(*begun); !undone) {
        sealed.error().text += " What was begun may be in the TPM still (" + undone.error().text +
                               "): provisioning again has to be told to replace it.";
      }
    }
    return sealed;
  }

  Result<Opened> open(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.read_value(blob.slot));
    Opened opened;
    {
      GIMS_TRY_ASSIGN(const Loaded policy, use.boot_session(blob));
      GIMS_TRY_ASSIGN(const Loaded sealed, use.load(blob.sealed, auth));
      GIMS_TRY_ASSIGN(opened.root_key, use.unseal(sealed, policy));
    }
    // Loaded to see now, and not when they are needed, that the TPM takes them.
    GIMS_TRY(use.load(blob.ca_key, auth));
    GIMS_TRY(use.load(blob.attestation_key, SecretBytes()));
    GIMS_TRY_ASSIGN(opened.ca_public, point_of(blob.ca_key.public_area));
    return opened;
  }

  Result<> settle(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY(use.destroy_value(other(blob.slot)));
    return take_hierarchies(use, hardware_secret);
  }

  Result<P256Signature> sign(BytesView bytes, KeyUse use_of_key, const Digest& digest) override {
    if (use_of_key != KeyUse::issuing_ca) {
      return custody("The TPM's attestation key signs what the TPM itself states, and no other.");
    }
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.read_value(blob.slot));
    GIMS_TRY_ASSIGN(const Loaded policy, use.boot_session(blob));
    GIMS_TRY_ASSIGN(const Loaded key, use.load(blob.ca_key, auth));
    return use.sign(key, policy, digest);
  }

  Result<Sealed> renew_ca(BytesView bytes) override {
    GIMS_TRY_ASSIGN(Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.read_value(blob.slot));
    const Digest policy = object_policy(blob.release_key, blob.own);
    GIMS_TRY_ASSIGN(blob.ca_key, use.create(signing_template(policy), auth, {}));
    return sealed_of(blob);
  }

  Result<Sealed> reseal(BytesView bytes, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return seal(use, other(blob.slot), root_key, blob.attestation_key);
  }

  Result<std::uint64_t> counter(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return read_counter(use, hardware_secret);
  }

  Result<std::uint64_t> advance(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, password(hardware_secret, Password::counter));
    GIMS_TRY(counter_of(use).increment(auth.bytes()));
    return read_counter(use, hardware_secret);
  }

  Result<bool> holds(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    for (const Slot slot : {Slot::a, Slot::b}) {
      GIMS_TRY_ASSIGN(const bool here, use.holds_value(slot));
      if (here) return true;
    }
    return false;
  }

  Result<Destruction> destroy(BytesView bytes, const SecretBytes* hardware_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Destruction destruction, destroy_in(blob.storage_name));
    if (hardware_secret != nullptr) {
      // The keys are destroyed. Where this fails, the TPM keeps its passwords, as that of a site
      // that does not open.
      static_cast<void>(release(blob, *hardware_secret));
    }
    return destruction;
  }

  Attestor* attestor() noexcept override { return this; }

  Result<Identity> identity(BytesView bytes, const SecretBytes& hardware_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return identity_of(use, blob, hardware_secret);
  }

  Result<Quote> quote(BytesView bytes, const Digest& nonce) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return quote_by(use, blob, nonce);
  }

  Result<Statement> certify_counter(BytesView bytes, const SecretBytes& hardware_secret,
                                    const Digest& statement) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, password(hardware_secret, Password::counter));
    GIMS_TRY_ASSIGN(const ESYS_TR index, counter_of(use).handle(auth.bytes()));
    return certify_by(use, blob, index, counter_size, statement);
  }

  Result<Statement> certify_release(BytesView bytes, const Digest& statement) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    const NvIndex told(use.tpm(), use.session(), release::release_index);
    GIMS_TRY_ASSIGN(const ESYS_TR index, told.handle({}));
    return certify_by(use, blob, index, release::release_index_size, statement);
  }

  Result<SecretBytes> activate(BytesView bytes, const SecretBytes& hardware_secret,
                               BytesView credential, BytesView encrypted_secret) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return activate_by(use, blob, hardware_secret, credential, encrypted_secret);
  }

  ReleaseGate* release_gate() noexcept override { return this; }

  Result<Releases> releases() override {
    GIMS_TRY_ASSIGN(const Use use, Use::first(options_));
    GIMS_TRY_ASSIGN(const release::ReleasePolicy* const release, use.running_release());
    GIMS_TRY_ASSIGN(const std::uint64_t told, told_release(use.tpm(), use.session()));
    return Releases{.running = release->number, .told = told};
  }

  Result<> raise() override {
    GIMS_TRY_ASSIGN(const Use use, Use::first(options_));
    GIMS_TRY_ASSIGN(const release::ReleasePolicy* const release, use.running_release());
    return raise_release(use.tpm(), use.storage_key(), use.session(), *release);
  }

 private:
  // Whether the TPM may be taken for a new site.
  static Result<> check_free(const Use& use, bool replace) {
    GIMS_TRY(check_unowned(use));
    if (replace) return {};
    for (const Slot slot : {Slot::a, Slot::b}) {
      GIMS_TRY_ASSIGN(const bool held, use.holds_value(slot));
      if (held) {
        return custody(
            "This TPM holds the keys of an earlier site. If they are to be destroyed, say that "
            "they are to be replaced.");
      }
    }
    return {};
  }

  Result<Sealed> seal(const Use& use, Slot slot, const SecretBytes& root_key,
                      std::optional<StoredObject> attestation_key) const {
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.make_value(slot));
    Blob blob;
    blob.storage_name = use.storage_name();
    blob.slot = slot;
    GIMS_TRY_ASSIGN(const release::ReleasePolicy* const release, use.running_release());
    blob.release_key = release->key;
    GIMS_TRY_ASSIGN(const auto pcrs, read_pcrs(use.tpm(), use.session(), own_pcrs));
    std::ranges::copy(pcrs, blob.own.begin());
    const Digest policy = object_policy(blob.release_key, blob.own);
    GIMS_TRY_ASSIGN(blob.sealed, use.create(sealed_template(policy), auth, root_key.bytes()));
    GIMS_TRY_ASSIGN(blob.ca_key, use.create(signing_template(policy), auth, {}));
    if (attestation_key) {
      blob.attestation_key = *attestation_key;
    } else {
      GIMS_TRY_ASSIGN(blob.attestation_key, use.create(attestation_template(), SecretBytes(), {}));
    }
    return sealed_of(blob);
  }

  static Result<Sealed> sealed_of(const Blob& blob) {
    Sealed sealed;
    GIMS_TRY_ASSIGN(sealed.ca_public, point_of(blob.ca_key.public_area));
    GIMS_TRY_ASSIGN(sealed.blob, encode_blob(blob));
    return sealed;
  }

  Result<> release(const Blob& blob, const SecretBytes& hardware_secret) const {
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, blob.storage_name));
    return release_hierarchies(use, hardware_secret);
  }

  Result<Destruction> destroy_in(BytesView storage_name) const {
    GIMS_TRY_ASSIGN(const Use use, Use::pinned(options_, storage_name));
    bool was_there = false;
    for (const Slot slot : {Slot::a, Slot::b}) {
      GIMS_TRY_ASSIGN(const bool here, use.destroy_value(slot));
      was_there = was_there || here;
    }
    return was_there ? Destruction::done : Destruction::nothing_there;
  }

  [[nodiscard]] NvIndex counter_of(const Use& use) const {
    return {use.tpm(), use.session(), options_.counter_index};
  }

  // A counter is only ever made anew above every one that was there: it cannot go back.
  Result<> make_counter(const Use& use, const SecretBytes& hardware_secret) const {
    const NvIndex index = counter_of(use);
    GIMS_TRY_ASSIGN(const bool there, index.exists());
    if (there) GIMS_TRY(index.undefine());
    GIMS_TRY_ASSIGN(const SecretBytes auth, password(hardware_secret, Password::counter));
    GIMS_TRY(index.define({.attributes = counter_attributes, .size = counter_size}, auth.bytes()));
    return index.increment(auth.bytes());
  }

  Result<std::uint64_t> read_counter(const Use& use, const SecretBytes& hardware_secret) const {
    GIMS_TRY_ASSIGN(const SecretBytes auth, password(hardware_secret, Password::counter));
    GIMS_TRY_ASSIGN(const SecretBytes content, counter_of(use).read(counter_size, auth.bytes()));
    return release::number_of(content.bytes());
  }

  const Options options_;
};

}  // namespace

Result<Address> parse_address(std::string_view tcti) {
  if (tcti.starts_with(device_prefix)) {
    const std::string_view path = tcti.substr(device_prefix.size());
    if (path == the_device) return Address{.swtpm = false, .path = std::string(path)};
  }
  if (tcti.starts_with(swtpm_prefix)) {
    const std::string_view path = tcti.substr(swtpm_prefix.size());
    if (path.starts_with('/')) return Address{.swtpm = true, .path = std::string(path)};
  }
  return fail(ErrorKind::bad_input, "GIMS_CONFIG",
              "must be \"device:/dev/tpmrm0\" or \"swtpm:path=/…\", the data socket of a swtpm");
}

bool is_development_tpm(const Address& address, std::uint32_t manufacturer) noexcept {
  return address.swtpm && (manufacturer == manufacturer_ibm || manufacturer == manufacturer_sw);
}

std::unique_ptr<Vault> make_vault(Options options) {
  return std::make_unique<Tpm2Vault>(std::move(options));
}

}  // namespace gims::hsm::tpm2

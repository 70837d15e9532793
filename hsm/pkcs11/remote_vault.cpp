#include "hsm/pkcs11/remote_vault.hpp"

#include <span>
#include <utility>
#include <vector>

#include "hsm/pkcs11/messages.hpp"
#include "hsm/proto/caller.hpp"

namespace gims::hsm::pkcs11 {
namespace {

void write_nothing(Writer&) {}

auto only(BytesView blob) {
  return [blob](Writer& writer) { encode_blob(writer, blob); };
}

// What its administrator is to know of a gims-pkcs11d that cannot be asked. A refusal that is about
// the HSM passes as it is.
template <class T>
Result<T> of_the_hsm(Result<T> result) {
  if (result || result.error().code == "GIMS_KEYD_CUSTODY" || result.error().code == away_code) {
    return result;
  }
  Error& error = result.error();
  error.detail = error.code + " " + error.text + " " + error.detail;
  error.text =
      error.code == "GIMS_KEYD_GONE"
          ? "The HSM's process gims-pkcs11d does not answer: it does not run, or the HSM's "
            "module made it end."
          : "The HSM's process gims-pkcs11d refused: " + error.text;
  error.code = away_code;
  error.kind = ErrorKind::unavailable;
  return result;
}

class RemoteVault final : public Vault {
 public:
  explicit RemoteVault(std::unique_ptr<Caller> caller) : caller_(std::move(caller)) {}

  std::string kind() const override { return "pkcs11"; }
  bool removable() const noexcept override { return true; }

  Result<Info> info() override { return ask(Operation::vault_info, write_nothing, decode_info); }
  Result<> probe() override { return ask(Operation::vault_probe, write_nothing, decode_nothing); }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& /*hardware_secret*/,
                           bool replace) override {
    GIMS_TRY_ASSIGN(SecretBytes copy, root_key.clone());
    const ProvisionKeys request{.root_key = std::move(copy), .replace = replace};
    return ask(
        Operation::vault_provision, [&](Writer& writer) { encode(writer, request); },
        decode_sealed);
  }

  Result<Opened> open(BytesView blob) override {
    return ask(Operation::vault_open, only(blob), decode_opened);
  }

  Result<> settle(BytesView blob, const SecretBytes& /*hardware_secret*/) override {
    return ask(Operation::vault_settle, only(blob), decode_nothing);
  }

  Result<P256Signature> sign(BytesView blob, KeyUse use, const Digest& digest) override {
    const SignDigest request{.blob = blob, .use = use, .digest = digest};
    return ask(
        Operation::vault_sign, [&](Writer& writer) { encode(writer, request); }, decode_signature);
  }

  Result<std::vector<Signature>> sign_events(BytesView blob,
                                             std::span<const BytesView> events) override {
    // What fits into one of gimsd's requests need not fit into one of ours, which has the blob too.
    std::vector<Signature> signatures;
    while (!events.empty()) {
      EventsToSign request{.blob = blob, .events = {}};
      std::size_t size = max_vault_blob;
      for (const BytesView event : events) {
        size += event.size() + sizeof(std::uint32_t);
        if (!request.events.empty() && size > max_body_size - sizeof(std::uint64_t)) break;
        request.events.push_back(event);
      }
      GIMS_TRY_ASSIGN(const auto some,
                      ask(
                          Operation::vault_sign_events,
                          [&](Writer& writer) { encode(writer, request); }, decode_signatures));
      if (some.size() != request.events.size()) {
        return fail(ErrorKind::internal, "GIMS_KEYD_CUSTODY",
                    "The HSM's process signed another number of events than it was asked to.");
      }
      signatures.insert(signatures.end(), some.begin(), some.end());
      events = events.subspan(some.size());
    }
    return signatures;
  }

  Result<Sealed> renew_ca(BytesView blob) override {
    return ask(Operation::vault_renew_ca, only(blob), decode_sealed);
  }

  Result<Sealed> reseal(BytesView blob, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(SecretBytes copy, root_key.clone());
    const ResealKeys request{.root_key = std::move(copy), .blob = blob};
    return ask(
        Operation::vault_reseal, [&](Writer& writer) { encode(writer, request); }, decode_sealed);
  }

  Result<Destruction> destroy(BytesView blob, const SecretBytes* /*hardware_secret*/) override {
    return ask(Operation::vault_destroy, only(blob), decode_destruction);
  }

  Result<std::uint64_t> counter(BytesView blob, const SecretBytes& /*secret*/) override {
    return ask(Operation::vault_counter, only(blob), decode_number);
  }
  Result<std::uint64_t> advance(BytesView blob, const SecretBytes& /*secret*/) override {
    return ask(Operation::vault_advance, only(blob), decode_number);
  }

 private:
  template <class Write, class Read>
  auto ask(Operation operation, const Write& write, const Read& read)
      -> decltype(read(BytesView{})) {
    return of_the_hsm(caller_->call(operation, write, read));
  }

  std::unique_ptr<Caller> caller_;
};

}  // namespace

Result<std::unique_ptr<Vault>> make_remote_vault(RemoteOptions options) {
  GIMS_TRY_ASSIGN(auto caller,
                  Caller::make(std::move(options.socket), options.time_limit, vault_operations));
  return std::make_unique<RemoteVault>(std::move(caller));
}

}  // namespace gims::hsm::pkcs11

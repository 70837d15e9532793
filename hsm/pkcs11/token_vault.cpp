#include "hsm/pkcs11/token_vault.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/pkcs11/errors.hpp"
#include "hsm/pkcs11/objects.hpp"
#include "hsm/pkcs11/wrapping.hpp"

namespace gims::hsm::pkcs11 {
namespace {

template <class Array>
Result<Array> random_bytes() {
  GIMS_TRY_ASSIGN(const SecretBytes random, SecretBytes::random(std::tuple_size_v<Array>));
  Array bytes{};
  std::ranges::copy(random.bytes(), bytes.begin());
  return bytes;
}

std::unexpected<Error> other_keys(std::string_view label) {
  return refused(ErrorKind::internal,
                 "The token's signing keys are not those of the custody file, or that is damaged.",
                 label);
}

// The private key that the token holds belongs to the point that the blob names: it signs, and the
// point verifies. Done when the blob is opened, so that it does not show at the next leaf.
Result<> check_pair(const Session& session, std::string_view label, BytesView id,
                    const P256Point& point) {
  GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key, find_key(session, CKO_PRIVATE_KEY, label, id));
  GIMS_TRY_ASSIGN(const Digest digest, random_bytes<Digest>());
  GIMS_TRY_ASSIGN(const P256Signature signature, sign(session, key, digest));
  if (p256_verify(point, digest, signature)) return {};
  return other_keys(label);
}

// The same. What it signs is no event, which starts with a brace.
Result<> check_server_key(const Session& session, const ObjectId& unit, const Ed25519Point& point) {
  GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                  find_key(session, CKO_PRIVATE_KEY, label::server, unit));
  GIMS_TRY_ASSIGN(const Digest random, random_bytes<Digest>());
  Bytes message{'?'};
  message.insert(message.end(), random.begin(), random.end());
  GIMS_TRY_ASSIGN(const Signature signature, sign_message(session, key, message));
  if (server_key_verifies(point, message, signature)) return {};
  return other_keys(label::server);
}

class TokenVault final : public Vault {
 public:
  TokenVault(Module& module, TokenOptions options)
      : session_(module, std::move(options.token), std::move(options.pin)),
        wrapping_(options.wrapping) {}

  std::string kind() const override { return "pkcs11"; }
  bool removable() const noexcept override { return true; }

  Result<Info> info() override {
    return with_token([&]() -> Result<Info> { return describe(); });
  }

  Result<> probe() override {
    return with_token([&]() -> Result<> {
      GIMS_TRY_ASSIGN(const auto ours, find_ours(session_));
      if (ours.empty()) {
        return refused(ErrorKind::unavailable, "The token holds no keys of a site.");
      }
      return {};
    });
  }

  Result<Sealed> provision(const SecretBytes& root_key, const SecretBytes& /*hardware_secret*/,
                           bool replace) override {
    GIMS_TRY(session_.ready());
    GIMS_TRY_ASSIGN(const auto ours, find_ours(session_));
    if (!ours.empty() && !replace) {
      return refused(ErrorKind::conflict,
                     "This token holds the keys of an earlier site. If they are to be destroyed, "
                     "say that they are to be replaced.");
    }
    auto sealed = [&]() -> Result<Sealed> {
      GIMS_TRY(destroy_ours(session_));
      return make_all(root_key);
    }();
    // What failed may be the session, with an operation that it holds open: in a new one.
    if (!sealed) {
      session_.close();
      if (const auto undone = session_.ready().and_then([this] { return destroy_ours(session_); });
          !undone) {
        sealed.error().text += " What was begun may be in the token still (" + undone.error().text +
                               "): provisioning again has to be told to replace it.";
      }
    }
    return sealed;
  }

  Result<Opened> open(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    return with_token([&]() -> Result<Opened> { return open(blob); });
  }

  Result<> settle(BytesView bytes, const SecretBytes& /*hardware_secret*/) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    return with_token([&]() -> Result<> {
      GIMS_TRY(find_key(session_, CKO_SECRET_KEY, label::wrapping, blob.head.seal));
      return destroy_other_seals(session_, blob.head.seal);
    });
  }

  Result<P256Signature> sign(BytesView bytes, KeyUse use, const Digest& digest) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    const bool ca = use == KeyUse::issuing_ca;
    const Bytes ca_id = ca_id_of(blob.head);
    return with_token([&]() -> Result<P256Signature> {
      GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                      find_key(session_, CKO_PRIVATE_KEY, ca ? label::ca : label::attestation,
                               ca ? BytesView(ca_id) : BytesView(blob.head.unit)));
      return pkcs11::sign(session_, key, digest);
    });
  }

  Result<std::vector<Signature>> sign_events(BytesView bytes,
                                             std::span<const BytesView> events) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    if (!blob.head.server_public) return Vault::sign_events(bytes, events);
    return with_token([&]() -> Result<std::vector<Signature>> {
      GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                      find_key(session_, CKO_PRIVATE_KEY, label::server, blob.head.unit));
      std::vector<Signature> signatures;
      for (const BytesView event : events) {
        GIMS_TRY_ASSIGN(const Signature signature, sign_message(session_, key, event));
        signatures.push_back(signature);
      }
      return signatures;
    });
  }

  Result<Sealed> renew_ca(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob old, decode_blob(bytes));
    GIMS_TRY(session_.ready());
    GIMS_TRY_ASSIGN(const Opened opened, open(old));
    Blob blob = old;
    GIMS_TRY_ASSIGN(blob.head.ca, random_bytes<ObjectId>());
    auto sealed = [&]() -> Result<Sealed> {
      GIMS_TRY_ASSIGN(blob.head.ca_public, make_pair(session_, label::ca, ca_id_of(blob.head)));
      GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                      find_key(session_, CKO_SECRET_KEY, label::wrapping, blob.head.seal));
      return seal(key, opened.root_key, blob);
    }();
    if (!sealed) undo(destroy_ca(session_, blob.head));
    return sealed;
  }

  Result<Sealed> reseal(BytesView bytes, const SecretBytes& root_key) override {
    GIMS_TRY_ASSIGN(Blob blob, decode_blob(bytes));
    GIMS_TRY(session_.ready());
    GIMS_TRY(find_key(session_, CKO_SECRET_KEY, label::wrapping, blob.head.seal));
    GIMS_TRY_ASSIGN(blob.head.seal, random_bytes<ObjectId>());
    auto sealed = make_seal(root_key, blob);
    if (!sealed) undo(destroy_seal(session_, blob.head.seal));
    return sealed;
  }

  Result<Destruction> destroy(BytesView bytes, const SecretBytes* /*hardware_secret*/) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY(session_.ready());
    GIMS_TRY_ASSIGN(const bool there, holds_unit(session_, blob.head.unit));
    if (!there) {
      GIMS_TRY_ASSIGN(const Serial serial, serial_of_token());
      if (serial == blob.head.serial) return Destruction::nothing_there;
      return refused(ErrorKind::internal,
                     "The token is not the one that made the HSM's part of the custody file.");
    }
    GIMS_TRY(destroy_ours(session_));
    return Destruction::done;
  }

  Result<std::uint64_t> counter(BytesView bytes, const SecretBytes& /*secret*/) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    return with_token([&] { return read_counter(session_, blob.head.unit); });
  }

  Result<std::uint64_t> advance(BytesView bytes, const SecretBytes& /*secret*/) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY(session_.ready());
    return advance_counter(session_, blob.head.unit);
  }

 private:
  // For what may be done twice: when the token went, or shows none of our keys, once more with
  // everything opened anew. A module may keep a picture of its tokens from the time it started.
  template <class Use>
  auto with_token(const Use& use) -> decltype(use()) {
    GIMS_TRY(session_.ready());
    auto result = use();
    if (result || result.error().kind != ErrorKind::unavailable) return result;
    session_.close();
    GIMS_TRY(session_.ready());
    result = use();
    if (!result && result.error().kind == ErrorKind::unavailable) session_.close();
    return result;
  }

  Result<Serial> serial_of_token() const {
    GIMS_TRY_ASSIGN(const CK_TOKEN_INFO token, session_.token_info());
    Serial serial{};
    std::ranges::copy(token.serialNumber, serial.begin());
    return serial;
  }

  Result<Info> describe() {
    GIMS_TRY_ASSIGN(const CK_TOKEN_INFO token, session_.token_info());
    CK_SLOT_INFO slot{};
    GIMS_TRY(check(session_.functions().C_GetSlotInfo(session_.slot(), &slot), "C_GetSlotInfo"));
    const std::string maker = unpadded(token.manufacturerID);
    Info info;
    // Its slot says that it is no hardware, and so does its maker: a token for development.
    info.software = (slot.flags & CKF_HW_SLOT) == 0 && maker == "SoftHSM project";
    info.description = "PKCS#11 " + session_.module().version() + " (" + maker + ", " +
                       unpadded(token.model) + "), token \"" + unpadded(token.label) + "\"";
    GIMS_TRY_ASSIGN(const bool eddsa, session_.can(CKM_EDDSA, CKF_SIGN));
    if (eddsa) info.description += ", with EdDSA";
    return info;
  }

  Result<Opened> open(const Blob& blob) {
    GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                    find_key(session_, CKO_SECRET_KEY, label::wrapping, blob.head.seal));
    Opened opened;
    GIMS_TRY_ASSIGN(opened.root_key, unwrap(session_, key, blob));
    GIMS_TRY(check_pair(session_, label::ca, ca_id_of(blob.head), blob.head.ca_public));
    GIMS_TRY(
        check_pair(session_, label::attestation, blob.head.unit, blob.head.attestation_public));
    if (blob.head.server_public) {
      GIMS_TRY(check_server_key(session_, blob.head.unit, *blob.head.server_public));
    }
    opened.ca_public = blob.head.ca_public;
    opened.attestation_public = blob.head.attestation_public;
    opened.server_public = blob.head.server_public;
    return opened;
  }

  Result<Sealed> make_all(const SecretBytes& root_key) {
    Blob blob;
    GIMS_TRY_ASSIGN(blob.head.serial, serial_of_token());
    GIMS_TRY_ASSIGN(blob.head.unit, random_bytes<ObjectId>());
    GIMS_TRY_ASSIGN(blob.head.seal, random_bytes<ObjectId>());
    GIMS_TRY_ASSIGN(blob.head.attestation_public,
                    make_pair(session_, label::attestation, blob.head.unit));
    GIMS_TRY_ASSIGN(blob.head.server_public, make_server_pair(session_, blob.head.unit));
    GIMS_TRY(make_counter(session_, blob.head.unit, 0));
    return make_seal(root_key, blob);
  }

  // With a wrapping key and a CA key of the seal that the blob names.
  Result<Sealed> make_seal(const SecretBytes& root_key, Blob& blob) {
    if (wrapping_) {
      blob.head.wrapping = *wrapping_;
    } else {
      GIMS_TRY_ASSIGN(blob.head.wrapping, choose_wrapping(session_));
    }
    GIMS_TRY_ASSIGN(blob.head.ca, random_bytes<ObjectId>());
    GIMS_TRY_ASSIGN(const CK_OBJECT_HANDLE key,
                    make_wrapping_key(session_, blob.head.seal, blob.head.wrapping));
    GIMS_TRY_ASSIGN(blob.head.ca_public, make_pair(session_, label::ca, ca_id_of(blob.head)));
    return seal(key, root_key, blob);
  }

  Result<Sealed> seal(CK_OBJECT_HANDLE key, const SecretBytes& root_key, Blob& blob) {
    GIMS_TRY(wrap(session_, key, root_key, blob));
    return Sealed{.blob = encode(blob),
                  .ca_public = blob.head.ca_public,
                  .attestation_public = blob.head.attestation_public,
                  .server_public = blob.head.server_public};
  }

  // What stays is destroyed when another sealing is settled.
  static void undo(const Result<>& undone) {
    if (undone) return;
    log::failure(log::id::keys_left_behind, "the keys of what failed stay in the HSM for now",
                 undone.error());
  }

  Session session_;
  const std::optional<Wrapping> wrapping_;
};

}  // namespace

std::unique_ptr<Vault> make_token_vault(Module& module, TokenOptions options) {
  return std::make_unique<TokenVault>(module, std::move(options));
}

}  // namespace gims::hsm::pkcs11

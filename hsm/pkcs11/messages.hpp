// What the requests and replies of gims-pkcs11d hold, in the frames of hsm/proto. decode_… refuse
// (bad_input, GIMS_KEYD_FRAME) whatever encode_… would not write.
//
//   vault_info                        -> description, software
//   vault_probe                       -> nothing
//   vault_provision  key, replace     -> sealed
//   vault_open       blob             -> opened
//   vault_sign       blob, use, hash  -> signature
//   vault_renew_ca   blob             -> sealed
//   vault_destroy    blob             -> 0: done, 1: there was nothing
//   vault_counter, vault_advance blob -> number
//   vault_settle     blob             -> nothing
//   vault_reseal     key, blob        -> sealed
//   vault_sign_events blob, events    -> signatures
#pragma once

#include <vector>

#include "hsm/core/vault.hpp"
#include "hsm/proto/messages.hpp"

namespace gims::hsm::pkcs11 {

// Of what a vault seals; more than blob.hpp needs.
inline constexpr std::size_t max_vault_blob = 1024;

struct ProvisionKeys {
  SecretBytes root_key;
  bool replace = false;
};
struct ResealKeys {
  SecretBytes root_key;
  BytesView blob;  // in the body that was decoded
};
struct SignDigest {
  BytesView blob;  // in the body that was decoded
  KeyUse use = KeyUse::issuing_ca;
  Digest digest{};
};

struct EventsToSign {
  BytesView blob;  // both in the body that was decoded
  std::vector<BytesView> events;
};

void encode(Writer& writer, const Vault::Info& value);
void encode(Writer& writer, const ProvisionKeys& value);
void encode(Writer& writer, const ResealKeys& value);
void encode(Writer& writer, const Vault::Sealed& value);
void encode(Writer& writer, const Vault::Opened& value);
void encode(Writer& writer, const SignDigest& value);
void encode(Writer& writer, const P256Signature& value);
void encode(Writer& writer, const EventsToSign& value);
void encode(Writer& writer, Vault::Destruction value);
void encode_blob(Writer& writer, BytesView blob);
void encode_number(Writer& writer, std::uint64_t value);

[[nodiscard]] Result<Vault::Info> decode_info(BytesView body);
[[nodiscard]] Result<ProvisionKeys> decode_provision_keys(BytesView body);
[[nodiscard]] Result<ResealKeys> decode_reseal_keys(BytesView body);
[[nodiscard]] Result<Vault::Sealed> decode_sealed(BytesView body);
[[nodiscard]] Result<Vault::Opened> decode_opened(BytesView body);
[[nodiscard]] Result<SignDigest> decode_sign_digest(BytesView body);
[[nodiscard]] Result<P256Signature> decode_signature(BytesView body);
[[nodiscard]] Result<EventsToSign> decode_events_to_sign(BytesView body);
[[nodiscard]] Result<Vault::Destruction> decode_destruction(BytesView body);
// Points into the body.
[[nodiscard]] Result<BytesView> decode_blob_only(BytesView body);
[[nodiscard]] Result<std::uint64_t> decode_number(BytesView body);

}  // namespace gims::hsm::pkcs11

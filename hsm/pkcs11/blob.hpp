// What the custody file holds for a site whose keys are in a PKCS#11 token.
#pragma once

#include <optional>

#include "hsm/core/vault.hpp"

namespace gims::hsm::pkcs11 {

// How the root key is wrapped under the token's AES-256 key.
enum class Wrapping : std::uint8_t {
  gcm = 1,           // CKM_AES_GCM, the blob's head as associated data
  key_wrap_pad = 2,  // CKM_AES_KEY_WRAP_PAD (RFC 5649), the head's SHA-256 behind the key
};

// Random, so that no other key is taken for it. CKA_ID of an object is one of them, or two.
using ObjectId = std::array<std::uint8_t, 16>;

// CK_TOKEN_INFO's, as the token gives it.
using Serial = std::array<std::uint8_t, 16>;

struct BlobHead {
  Wrapping wrapping = Wrapping::gcm;
  // Says whether a token in which the keys are not is the one in which they were. It is not asked
  // for when the blob is opened: an HSM's own backup brings the keys to another.
  Serial serial{};
  ObjectId unit{};  // of the attestation key, the key for events and the counter, which stay
  ObjectId seal{};  // of the wrapping key: another with each sealing
  ObjectId ca{};    // of the issuing CA's key, behind the seal's: another with each renewal
  P256Point ca_public{};
  P256Point attestation_public{};
  std::optional<Ed25519Point> server_public = {};  // none where the token has no EdDSA
};
[[nodiscard]] Bytes encode(const BlobHead& head);

inline constexpr std::size_t nonce_size = 12;  // of GCM: 96 bits (NIST SP 800-38D)
inline constexpr std::size_t max_wrapped_key = 80;

struct Blob {
  BlobHead head;
  Bytes nonce;    // of GCM; else empty
  Bytes wrapped;  // the root key
};
[[nodiscard]] Bytes encode(const Blob& blob);
// Fails (GIMS_KEYD_CUSTODY) for whatever encode() would not write.
[[nodiscard]] Result<Blob> decode_blob(BytesView bytes);

}  // namespace gims::hsm::pkcs11

// What a quorum of people has that the hardware has not: the recovery secret, and the file that it
// opens (docs/protocol-keyd.md, "Recovery").
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hsm/ca/crl.hpp"
#include "hsm/proto/ceremony_messages.hpp"

namespace gims::hsm {

inline constexpr std::size_t recovery_secret_size = 32;
// Of issuing CAs that did not end yet. One is made a ceremony, and lasts five years.
inline constexpr std::size_t max_issuing_cas = 32;
inline constexpr std::size_t max_revoked = 64;

// What is sealed to the recovery secret, and is nowhere else together.
struct Envelope {
  SecretBytes root_key;
  SecretBytes site_root;  // its private key, a P-256 scalar
  SecretBytes server_seed;
};

struct IssuedCa {
  Bytes serial;  // content octets, as serial_of() gives them
  std::int64_t end = 0;

  bool operator==(const IssuedCa&) const = default;
};

// recovery.bin: the envelope, and beside it in clear what one needs to know of it.
struct RecoveryRecord {
  std::uint32_t generation = 1;               // of the shares; one more with each re-sharing
  std::int64_t made_at = 0;                   // seconds since 1970 UTC
  std::uint16_t share_set = 0;                // the identifier that its shares have (SLIP-0039)
  ShareScheme scheme;                         // how many of them are needed
  std::array<std::uint8_t, 32> public_key{};  // X25519
  SiteParameters site;
  Bytes site_root;  // certificate, DER
  // What the site root signed and did not revoke, what it revoked, and the number of the list that
  // says so.
  std::vector<IssuedCa> issued;
  std::vector<Revoked> revoked;
  std::uint64_t crl_number = 0;
  Bytes sealed;
};

// Seals `envelope` to the recovery secret, with a keyed hash of all other fields: whoever does not
// know the secret can neither read the file nor make one. Sets public_key and sealed.
[[nodiscard]] Result<> seal_recovery(RecoveryRecord& record, const SecretBytes& secret,
                                     const Envelope& envelope);
// Fails with GIMS_KEYD_SHARE where this is not the file's recovery secret, and with
// GIMS_KEYD_CUSTODY where the file was changed or contradicts itself.
[[nodiscard]] Result<Envelope> open_recovery(const RecoveryRecord& record,
                                             const SecretBytes& secret);

[[nodiscard]] Result<Bytes> encode_recovery(const RecoveryRecord& record);
// Fails (GIMS_KEYD_CUSTODY) for anything but a whole file of this version, in the one form that
// encode_recovery() writes. Nothing in it is trusted before it was opened.
[[nodiscard]] Result<RecoveryRecord> decode_recovery(BytesView file);

// Notes a certificate that the site root just signed for an issuing CA, and forgets those that
// ended.
[[nodiscard]] Result<> note_issued(RecoveryRecord& record, BytesView certificate, std::int64_t now);
// Moves all that is noted to the revoked ones. Those of CAs that ended are left out: they are
// refused for that.
void revoke_issued(RecoveryRecord& record, std::int64_t now);

}  // namespace gims::hsm

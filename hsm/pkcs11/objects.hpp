// The site's objects in the token: how they are made, found and destroyed.
#pragma once

#include <optional>
#include <string_view>

#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/session.hpp"

namespace gims::hsm::pkcs11 {

// CKA_LABEL. Whatever in the token bears one of these is a GIMS unit's: a token holds the keys of
// one unit.
namespace label {
inline constexpr std::string_view wrapping = "gims wrapping key";
inline constexpr std::string_view ca = "gims issuing CA";
inline constexpr std::string_view attestation = "gims attestation key";
inline constexpr std::string_view server = "gims server key";
inline constexpr std::string_view counter = "gims counter";
}  // namespace label

// All need a session that is ready.

// An AES-256 key for this wrapping and nothing else; made in the token, and never readable.
[[nodiscard]] Result<CK_OBJECT_HANDLE> make_wrapping_key(const Session& session, const ObjectId& id,
                                                         Wrapping wrapping);
// A P-256 pair for signing; made in the token, its private half never readable.
[[nodiscard]] Result<P256Point> make_pair(const Session& session, std::string_view label,
                                          BytesView id);
// An Ed25519 pair for events, of the same kind. Nothing where the token has no EdDSA, or none that
// signs an event of any size as RFC 8032 says: then it keeps none.
[[nodiscard]] Result<std::optional<Ed25519Point>> make_server_pair(const Session& session,
                                                                   const ObjectId& unit);
// CKA_ID of the CA's key: the seal's id and its own.
[[nodiscard]] Bytes ca_id_of(const BlobHead& head);

// The one object of this class, label and id. Fails (unavailable) when there is none: this may be
// another token.
[[nodiscard]] Result<CK_OBJECT_HANDLE> find_key(const Session& session, CK_OBJECT_CLASS kind,
                                                std::string_view label, BytesView id);

// Anything of the unit with this id is in the token.
[[nodiscard]] Result<bool> holds_unit(const Session& session, const ObjectId& unit);

// Every object with one of the labels above.
[[nodiscard]] Result<std::vector<CK_OBJECT_HANDLE>> find_ours(const Session& session);
// Destroys them, and looks that none is left.
[[nodiscard]] Result<> destroy_ours(const Session& session);
// Destroys wrapping keys and CA keys: those of other seals than this one, those of one seal, or the
// CA key of one blob.
[[nodiscard]] Result<> destroy_other_seals(const Session& session, const ObjectId& kept);
[[nodiscard]] Result<> destroy_seal(const Session& session, const ObjectId& seal);
[[nodiscard]] Result<> destroy_ca(const Session& session, const BlobHead& head);

// ECDSA over the digest as it is (CKM_ECDSA).
[[nodiscard]] Result<P256Signature> sign(const Session& session, CK_OBJECT_HANDLE key,
                                         const Digest& digest);

// EdDSA over the message itself (CKM_EDDSA without parameters: pure Ed25519).
[[nodiscard]] Result<Signature> sign_message(const Session& session, CK_OBJECT_HANDLE key,
                                             BytesView message);

// A private data object with eight bytes. It is as strong as the PIN: whoever has that can write
// another number. Advancing makes the new one before the old one goes, and reading takes the
// highest, so a crash between the two takes nothing back.
[[nodiscard]] Result<> make_counter(const Session& session, const ObjectId& id,
                                    std::uint64_t value);
[[nodiscard]] Result<std::uint64_t> read_counter(const Session& session, const ObjectId& id);
[[nodiscard]] Result<std::uint64_t> advance_counter(const Session& session, const ObjectId& id);

}  // namespace gims::hsm::pkcs11

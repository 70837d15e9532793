// Encryption of small values in columns: XChaCha20-Poly1305 with a random nonce.
#pragma once

#include "base/secret.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {

// What seal() adds: version, nonce, tag.
inline constexpr std::size_t seal_overhead = 1 + 24 + 16;

// `key` has 32 bytes. `context` says where the value belongs (table, column, row) and is needed to
// open it again: a value moved elsewhere does not open.
[[nodiscard]] Bytes seal(const SecretBytes& key, ByteView context, ByteView plain);
// Fails with kind internal, code GIMS_SEALED, for another key or context or a changed byte.
[[nodiscard]] Result<Bytes> open(const SecretBytes& key, ByteView context, ByteView sealed);
[[nodiscard]] Result<SecretBytes> open_secret(const SecretBytes& key, ByteView context,
                                              ByteView sealed);

}  // namespace gims::crypto

// The root key under the token's wrapping key.
#pragma once

#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/session.hpp"

namespace gims::hsm::pkcs11 {

// What this token is to use: GCM where it can, which also binds the blob's head, else key wrap.
// Fails when it has neither.
[[nodiscard]] Result<Wrapping> choose_wrapping(const Session& session);

// By blob.head.wrapping; fills in the rest of the blob.
[[nodiscard]] Result<> wrap(const Session& session, CK_OBJECT_HANDLE wrapping_key,
                            const SecretBytes& root_key, Blob& blob);
[[nodiscard]] Result<SecretBytes> unwrap(const Session& session, CK_OBJECT_HANDLE wrapping_key,
                                         const Blob& blob);

}  // namespace gims::hsm::pkcs11

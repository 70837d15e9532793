// What a PKCS#11 module answers (CKR_…), in words.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::hsm::pkcs11 {

// "CKR_PIN_INCORRECT"; a number for what the standard does not name.
[[nodiscard]] std::string name_of(CK_RV value);

// The token went, or its session did: everything is to be opened anew before the next call.
[[nodiscard]] bool is_lost(CK_RV value) noexcept;

// The PIN did not open the token. Never to be tried again by itself: a few more lock the token.
[[nodiscard]] bool is_about_the_pin(CK_RV value) noexcept;

// With a text that says what to do, and the function as the detail. Its kind is `unavailable` when
// is_lost(), `forbidden` when is_about_the_pin(), else `internal`. The first two may pass without
// gims-keyd's doing and have the code GIMS_KEYD_AWAY, the others GIMS_KEYD_CUSTODY.
[[nodiscard]] Error error_of(CK_RV value, std::string_view function);

// Of a blob that does not open: some tokens say so by a CKR_ of their own.
inline constexpr const char* blob_damaged =
    "The HSM's part of the custody file is damaged, or not of this token.";

// For a failure that has no CKR_; the code by the kind, as above.
[[nodiscard]] std::unexpected<Error> refused(ErrorKind kind, std::string_view text,
                                             std::string_view detail = {});

}  // namespace gims::hsm::pkcs11

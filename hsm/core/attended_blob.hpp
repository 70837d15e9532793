// What the attended vault makes of the inner vault's blob.
#pragma once

#include <vector>

#include "hsm/core/keys.hpp"
#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm {

// A person's place in it.
struct Slot {
  Person person;
  std::uint64_t number = 0;  // random; the mask follows from it and the person's key
  SecretBytes masked;        // the factor, with the mask added to it
};

struct AttendedBlob {
  BytesView inner;     // in the blob that was decoded
  SecretBytes factor;  // where there is no slot; else empty
  std::vector<Slot> slots;
};

inline constexpr std::size_t max_inner_blob = std::size_t{8} * 1024;

// With the MAC under the root key at the end.
[[nodiscard]] Result<Bytes> encode_attended(const AttendedBlob& blob, const SecretBytes& root_key);
// Fails (GIMS_KEYD_CUSTODY) for whatever encode_attended() would not write. The MAC is not looked
// at: nothing can check it before there is a root key.
[[nodiscard]] Result<AttendedBlob> decode_attended(BytesView bytes);
// The inner part alone, without a factor: what signs with a CA key of before. It is kept in a
// custody file that persons may be named in later, which has to be all that holds the factor.
[[nodiscard]] Result<Bytes> encode_for_signing(BytesView inner);
// The inner part, of either.
[[nodiscard]] Result<BytesView> inner_of(BytesView bytes);
[[nodiscard]] Result<> check_attended(BytesView bytes, const SecretBytes& root_key);

// A slot for the person with this key.
[[nodiscard]] Result<Slot> make_slot(Person person, const SecretBytes& key,
                                     const SecretBytes& factor);
// What the key makes of the slot: the factor, or, with another key, something else.
[[nodiscard]] Result<SecretBytes> factor_in(const Slot& slot, const SecretBytes& key);

}  // namespace gims::hsm

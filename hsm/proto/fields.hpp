// What the decoders of messages have in common. For this folder's own files.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

// The rest of `reader` must be empty for the decoded value to count.
template <class T>
Result<T> finished(const Reader& reader, T value) {
  if (!reader.finish()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME",
                "The body of the message is not well formed.");
  }
  return value;
}

inline Bytes copy(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

template <std::size_t N>
void copy_fixed(Reader& reader, std::array<std::uint8_t, N>& out) {
  std::ranges::copy(reader.raw(N), out.begin());
}

}  // namespace gims::hsm

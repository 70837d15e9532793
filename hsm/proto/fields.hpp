// What the decoders of messages have in common. For this folder's own files.
#pragma once

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

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

inline void write_flag(Writer& writer, bool flag) { writer.u8(flag ? 1 : 0); }

inline bool read_flag(Reader& reader) {
  const std::uint8_t flag = reader.u8();
  if (flag > 1) reader.refuse();
  return flag == 1;
}

[[nodiscard]] SiteParameters read_site(Reader& reader);

// Of two certificates: one, and the CA that signed it.
void write_chain(Writer& writer, const std::vector<Bytes>& chain);
[[nodiscard]] std::vector<Bytes> read_chain(Reader& reader);

}  // namespace gims::hsm

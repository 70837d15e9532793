// What the decoders of bodies share.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

[[nodiscard]] inline std::unexpected<Error> bad_body() {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME",
              "The body of the message is not well formed.");
}

// The rest of `reader` must be empty for the decoded value to count.
template <class T>
[[nodiscard]] Result<T> finished(const Reader& reader, T value) {
  if (!reader.finish()) return bad_body();
  return value;
}

[[nodiscard]] inline Bytes copy(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

template <std::size_t N>
void read_fixed(Reader& reader, std::array<std::uint8_t, N>& out) {
  std::ranges::copy(reader.raw(N), out.begin());
}

inline void write_flag(Writer& writer, bool flag) { writer.u8(flag ? 1 : 0); }

[[nodiscard]] inline bool read_flag(Reader& reader) {
  const std::uint8_t flag = reader.u8();
  if (flag > 1) reader.refuse();
  return flag == 1;
}

// A flag, and the bytes where it is set.
template <std::size_t N>
void write_optional(Writer& writer, const std::optional<std::array<std::uint8_t, N>>& value) {
  write_flag(writer, value.has_value());
  if (value) writer.raw(*value);
}
template <std::size_t N>
void read_optional(Reader& reader, std::optional<std::array<std::uint8_t, N>>& out) {
  out.reset();
  if (read_flag(reader)) read_fixed(reader, out.emplace());
}

}  // namespace gims::hsm

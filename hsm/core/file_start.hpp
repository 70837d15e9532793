// How each file of the state folder begins: eight letters and a version, so that none is taken for
// another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

inline void write_start(Writer& writer, std::string_view magic, std::uint16_t version) {
  for (const char c : magic) writer.u8(static_cast<std::uint8_t>(c));
  writer.u16(version);
}

// Refuses in the reader what begins otherwise.
inline void read_start(Reader& reader, std::string_view magic, std::uint16_t version) {
  const BytesView start = reader.raw(magic.size());
  const auto same = [](std::uint8_t byte, char c) { return byte == static_cast<std::uint8_t>(c); };
  if (!std::ranges::equal(start, magic, same) || reader.u16() != version) reader.refuse();
}

}  // namespace gims::hsm

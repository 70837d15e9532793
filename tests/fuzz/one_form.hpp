// There is one form of each message: whatever a decoder takes, the encoder writes as the same
// bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "hsm/proto/frame.hpp"

template <typename T>
void same_again(gims::hsm::BytesView body, const gims::Result<T>& decoded) {
  if (!decoded) return;
  std::vector<std::uint8_t> room(gims::hsm::max_frame_size);
  gims::hsm::Writer writer(room);
  encode(writer, *decoded);
  GIMS_CHECK(std::ranges::equal(writer.body(), body));
}

// Bytes for a person to read.
#pragma once

#include <string>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

// Lower case, two digits a byte. Not for secrets.
[[nodiscard]] std::string hex(BytesView bytes);

}  // namespace gims::hsm

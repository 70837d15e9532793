// What several of gims-keyd's messages carry. For this folder's own files.
#pragma once

#include <vector>

#include "hsm/proto/body.hpp"
#include "hsm/proto/messages.hpp"

namespace gims::hsm {

[[nodiscard]] SiteParameters read_site(Reader& reader);

// Of two certificates: one, and the CA that signed it.
void write_chain(Writer& writer, const std::vector<Bytes>& chain);
[[nodiscard]] std::vector<Bytes> read_chain(Reader& reader);

}  // namespace gims::hsm

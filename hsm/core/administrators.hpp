// The list of administrators as custody.bin holds it.
#pragma once

#include "hsm/approval/registry.hpp"

namespace gims::hsm {

[[nodiscard]] Bytes list_of(const approval::Registry& registry);
// Fails (GIMS_KEYD_CUSTODY) for whatever list_of() would not write.
[[nodiscard]] Result<approval::Registry> registry_of(BytesView list);

// What hsm/approval says of administrators and assertions, in the codes of gims-keyd's protocol.
template <class T>
[[nodiscard]] Result<T> of_approval(Result<T> result) {
  if (!result && result.error().code.starts_with("GIMS_APPROVAL_")) {
    result.error().code = "GIMS_KEYD_APPROVAL";
  }
  return result;
}

// Of a list that comes with a ceremony: whether a site can have it. Fails with GIMS_KEYD_FRAME for
// what is no list, and GIMS_KEYD_APPROVAL where fewer than two could approve.
[[nodiscard]] Result<> check_new_list(BytesView list);

}  // namespace gims::hsm

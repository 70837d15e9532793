// What takes two administrators: asked of gims-keyd itself, also while gimsd is away.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/consent/consent.hpp"

namespace gims::ctl {

// As hsm::consent::start_or_complete() at this socket. Fails with `unavailable` where nobody
// answers there.
[[nodiscard]] Result<hsm::consent::Said> decide(
    const std::string& socket, const hsm::ProposeRequest& request, const hsm::consent::Means& means,
    const std::function<Result<Redacted>()>& passphrase);

}  // namespace gims::ctl

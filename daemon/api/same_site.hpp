// Whether a request at the console's door comes from a page of the console itself.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "http/request.hpp"

namespace gims::api {

// By what browsers say themselves and no page can change: Sec-Fetch-Site (Fetch Metadata), Origin
// and Host. `site`: the name by which the console is reached, whatever its port. A request that
// `changes` something has to say it; one that reads may come without, as a saved link does, and not
// from elsewhere. GIMS_ORIGIN.
[[nodiscard]] Result<> check_site(const http::Request& request, std::string_view site,
                                  bool changes);

}  // namespace gims::api

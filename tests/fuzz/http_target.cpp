// The target of a request line, taken apart and looked up in a table of routes.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "http/router.hpp"
#include "http/target.hpp"

namespace {

using namespace gims::http;  // NOLINT(google-build-using-namespace)

const Router& router() {
  static const Router made = [] {
    std::vector<Route> routes;
    for (const char* path :
         {"/", "/_matrix/client/versions", "/_matrix/client/v3/rooms/{room}/send",
          "/_matrix/client/v3/rooms/{room}/{what}", "/{one}/{two}/{three}"}) {
      Route& route = routes.emplace_back();
      route.method = Method::get;
      route.path = path;
    }
    return Router(std::move(routes));
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GIMS_CHECK(path_of(text).size() <= text.size());
  auto target = parse_target(text);
  if (!target) return 0;
  GIMS_CHECK(target->segments.size() <= most_segments && target->queries.size() <= most_queries);
  for (const std::string& segment : target->segments) {
    GIMS_CHECK(gims::is_utf8(segment) && !segment.contains('\0'));
  }
  for (const auto& [name, value] : target->queries) {
    GIMS_CHECK(gims::is_utf8(name) && gims::is_utf8(value));
  }
  const auto match = router().find(Door::client, Method::get, target->segments);
  GIMS_CHECK(match.params.size() <= 3 && (match.route != nullptr || match.params.empty()));
  return 0;
}

// Spaces and summaries (spec: client-server API, "Spaces", "Room summaries").
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"

namespace gims::api::client {

namespace {

using service::rooms::Directory;
using service::rooms::HierarchyQuery;

Result<std::string> hierarchy(Directory& directory, const Call& call) {
  HierarchyQuery query;
  GIMS_TRY_ASSIGN(const auto suggested_only, query_bool(call, "suggested_only"));
  query.suggested_only = suggested_only.value_or(false);
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  GIMS_TRY_ASSIGN(query.max_depth, query_number(call, "max_depth"));
  query.from = query_text(call, "from").value_or("");
  return directory.hierarchy(call.caller().user_id, call.param("roomId"), query);
}

}  // namespace

Routes space_routes(Directory& directory) {
  Routes routes;
  routes.push_back(
      read_route("/_matrix/client/v1/rooms/{roomId}/hierarchy",
                 [&directory](const Call& call) { return hierarchy(directory, call); }));
  routes.push_back(
      read_route("/_matrix/client/v1/room_summary/{roomIdOrAlias}", [&directory](const Call& call) {
        return directory.summary(call.caller().user_id, call.param("roomIdOrAlias"));
      }));
  return routes;
}

}  // namespace gims::api::client

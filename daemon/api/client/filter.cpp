// Spec: client-server API, "Filtering".
#include <utility>

#include "api/client/own_user.hpp"
#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"

namespace gims::api::client {

Routes filter_routes(service::Filters& filters) {
  Routes routes;
  routes.push_back(while_choosing(read_route("/_matrix/client/v3/user/{userId}/filter/{filterId}",
                                             [&filters](const Call& call) -> Result<std::string> {
                                               GIMS_TRY(require_own_user(call));
                                               return filters.get(call.caller().user_id,
                                                                  call.param("filterId"));
                                             })));
  routes.push_back(while_choosing(write_route(
      http::Method::post, "/_matrix/client/v3/user/{userId}/filter", BodyKind::json_object,
      service::longest_filter, http::Run::on_loop, [&filters](Call call) {
        if (auto own = require_own_user(call); !own) {
          return std::move(call).error(own.error());
        }
        const std::string user_id = call.caller().user_id;
        // The body lives as long as the call, which the answer holds.
        const json::Value body = call.body();
        filters.store(user_id, body, answer_with(std::move(call), "filter_id"));
      })));
  return routes;
}

}  // namespace gims::api::client

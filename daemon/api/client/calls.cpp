#include "api/client/calls.hpp"

#include "api/client/room_calls.hpp"

namespace gims::api::client {

Routes call_routes(const service::Calls& calls) {
  Routes routes;
  // The specification has no answer that says that there is none.
  if (!calls.available()) return routes;
  routes.push_back(read_route("/_matrix/client/v3/voip/turnServer",
                              [&calls](const Call& call) -> Result<std::string> {
                                return calls.turn_server(call.caller().user_id);
                              }));
  return routes;
}

}  // namespace gims::api::client

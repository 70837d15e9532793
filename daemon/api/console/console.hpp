// What the web console alone asks: signing in, one's own means of it, the administrators, and what
// takes two of them (docs/admin-api.yaml). /_gims/admin/v1 at the console's door. Each function
// gives the route table of one module; the services must outlive the routes.
#pragma once

#include <string>

#include "api/route.hpp"
#include "service/console/administrators.hpp"
#include "service/console/proposals.hpp"
#include "service/console/sessions.hpp"
#include "service/console/sign_in.hpp"

namespace gims::api::console {

struct Site {
  std::string server_name;
  std::string organisation;  // as gims-keyd has it
  std::string version;
};

// GET /site
[[nodiscard]] Routes site_routes(Site site);
// /signin/start, finish, invited, register/start, register/finish
[[nodiscard]] Routes sign_in_routes(service::console::SignIn& sign_in,
                                    service::console::Sessions& sessions, std::string server_name);
// /session, /sessions, /session/fresh/start, finish
[[nodiscard]] Routes session_routes(service::console::SignIn& sign_in,
                                    service::console::Sessions& sessions,
                                    service::console::Administrators& administrators,
                                    std::string server_name);
// /me, /me/passphrase, language, factors
[[nodiscard]] Routes me_routes(service::console::Administrators& administrators,
                               std::string server_name);
// /administrators, /administrators/{name}/invite, lock, unlock; at the admin socket as well
[[nodiscard]] Routes administrator_routes(service::console::Administrators& administrators);
// /proposals, /proposals/{proposalId}, approve/start, approve, redeem
[[nodiscard]] Routes proposal_routes(service::console::Proposals& proposals);

}  // namespace gims::api::console

// What anybody may know at the console's door before signing in.
#include <utility>

#include "api/console/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/languages.hpp"
#include "json/writer.hpp"

namespace gims::api::console {

Routes site_routes(Site site) {
  Routes routes;
  routes.push_back(
      open_route(http::Method::get, "/_gims/admin/v1/site", BodyKind::none,
                 [site = std::move(site)](Call call) {
                   json::Writer out;
                   out.begin_object().member("server_name", site.server_name);
                   // gimsd serves with keys alone, so gims-keyd is operational.
                   out.member("organisation", site.organisation).member("state", "operational");
                   out.member("rp_id", site.server_name).member("version", site.version);
                   out.key("languages").begin_array();
                   for (const std::string_view language : languages) out.value(language);
                   out.end_array().member("language", languages.front());
                   out.member("time_zone", "Asia/Kolkata").end_object();
                   std::move(call).reply(out.take());
                 }));
  return routes;
}

}  // namespace gims::api::console

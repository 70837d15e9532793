// The database's schema, after an update.
#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"

namespace gims::api::admin {
namespace {

std::string made_json(const std::vector<std::string>& made) {
  json::Writer out;
  out.begin_object().key("migrations").begin_array();
  for (const std::string& name : made) out.value(name);
  out.end_array().end_object();
  return out.take();
}

}  // namespace

Routes migration_routes(service::SchemaMigration& migration) {
  Routes routes;
  routes.push_back(admin_route(http::Method::post, "/_gims/admin/v1/migrate", BodyKind::none,
                               at_socket_alone, [&migration](Call call) {
                                 service::Actor actor = actor_of(call);
                                 migration.run(std::move(actor), answer<std::vector<std::string>>(
                                                                     std::move(call), made_json));
                               }));
  return routes;
}

}  // namespace gims::api::admin

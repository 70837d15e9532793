// How the site is, for an administrator.
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"

namespace gims::api::admin {
namespace {

std::string report_json(const service::SiteReport& report) {
  json::Writer out;
  out.begin_object().member("version", report.version).member("server_name", report.server_name);
  out.member("uptime_seconds", report.uptime.count());
  out.key("store").begin_object().member("read_only", report.read_only_reason.has_value());
  if (report.read_only_reason) out.member("reason", *report.read_only_reason);
  if (report.damage) out.member("damage", *report.damage);
  out.member("position", report.position).end_object();
  out.key("keyd").begin_object().member("state", report.keyd).end_object();
  out.member("connections", report.connections);
  out.key("users").begin_object().member("active", report.users.active);
  out.member("suspended", report.users.suspended);
  out.member("locked", report.users.locked).member("deactivated", report.users.deactivated);
  out.end_object();
  out.key("audit").begin_object().member("sequence", report.audit.sequence);
  out.member("standing", service::name_of(report.audit.standing));
  if (report.audit.witnessed) out.member("witnessed", *report.audit.witnessed);
  out.member("text", report.audit.text).end_object();
  out.end_object();
  return out.take();
}

std::string faults_json(const std::vector<std::string>& faults) {
  json::Writer out;
  out.begin_object().key("problems").begin_array();
  for (const std::string& fault : faults) out.value(fault);
  out.end_array().end_object();
  return out.take();
}

std::string progress_json(const service::StoreCheckProgress& progress) {
  json::Writer out;
  out.begin_object().member("running", progress.running).member("step", progress.step);
  out.member("done", progress.done);
  if (progress.of > 0) out.member("of", progress.of);
  out.end_object();
  return out.take();
}

void check(service::StoreCheck& store, Call call) {
  const auto full = json::optional_bool(call.body(), "full");
  if (!full) return std::move(call).error(full.error());
  store.run(full->value_or(false), answer<std::vector<std::string>>(std::move(call), faults_json));
}

}  // namespace

Routes status_routes(service::SiteStatus& site) {
  Routes routes;
  routes.push_back(
      admin_route(http::Method::get, "/_gims/admin/v1/status", BodyKind::none, [&site](Call call) {
        site.report(answer<service::SiteReport>(std::move(call), report_json));
      }));
  service::StoreCheck& store = site.store_check();
  routes.push_back(
      admin_route(http::Method::get, "/_gims/admin/v1/check", BodyKind::none,
                  [&store](Call call) { std::move(call).reply(progress_json(store.progress())); }));
  routes.push_back(admin_route(http::Method::post, "/_gims/admin/v1/check",
                               BodyKind::json_object_or_empty,
                               [&store](Call call) { check(store, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin

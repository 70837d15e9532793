// The audit log, as an administrator reads and checks it.
#include <charconv>
#include <optional>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::console::every_role;

Result<std::int64_t> after_of(const Call& call) {
  const std::string_view text = call.query("after").value_or("0");
  std::int64_t after = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, after);
  if (error != std::errc{} || end != last || after < 0) {
    return service::invalid_param("after is the number of an entry.");
  }
  return after;
}

Result<std::string> list(service::AuditLog& audit, const Call& call) {
  GIMS_TRY_ASSIGN(const std::int64_t after, after_of(call));
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  GIMS_TRY_ASSIGN(const auto page, audit.page(after, limit));
  json::Writer out;
  out.begin_object().key("entries").begin_array();
  for (const service::AuditEntry& entry : page) {
    out.begin_object().member("sequence", entry.sequence).member("ts", entry.ts);
    out.member("actor", entry.actor).member("origin", entry.origin).member("act", entry.act);
    out.member("target", entry.target).raw_member("detail", entry.detail);
    out.member("hash", entry.hash).end_object();
  }
  out.end_array();
  if (std::cmp_equal(page.size(), limit)) out.member("next", page.back().sequence);
  out.end_object();
  return out.take();
}

std::string verified_json(const service::AuditVerified& verified) {
  json::Writer out;
  out.begin_object().member("intact", verified.intact).member("witnessed", verified.witnessed);
  out.member("sequence", verified.sequence).member("text", verified.text).end_object();
  return out.take();
}

Result<std::string> certificate(service::AuditLog& audit) {
  GIMS_TRY_ASSIGN(std::optional<std::string> json, audit.certificate());
  if (!json) return service::not_found("No entry of the audit log was certified yet.");
  return std::move(*json);
}

}  // namespace

Routes audit_routes(service::AuditLog& audit) {
  Routes routes;
  routes.push_back(admin_route(http::Method::get, "/_gims/admin/v1/audit", BodyKind::none,
                               for_roles(every_role), [&audit](Call call) {
                                 auto page = list(audit, call);
                                 std::move(call).result(std::move(page));
                               }));
  routes.push_back(
      admin_route(http::Method::post, "/_gims/admin/v1/audit/verify",
                  BodyKind::json_object_or_empty, for_roles(every_role), [&audit](Call call) {
                    audit.verify(answer<service::AuditVerified>(std::move(call), verified_json));
                  }));
  routes.push_back(admin_route(http::Method::get, "/_gims/admin/v1/audit/certificate",
                               BodyKind::none, for_roles(every_role), [&audit](Call call) {
                                 auto found = certificate(audit);
                                 std::move(call).result(std::move(found));
                               }));
  return routes;
}

}  // namespace gims::api::admin

// What officers reported.
#include <array>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "base/utf8.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::Report;
using service::Reports;
using service::Which;

constexpr std::size_t shown_reason = 1024;
constexpr std::array<std::string_view, 1> of_close{"note"};

std::string_view about(const Report& report) {
  if (report.event_id) return "event";
  return report.room_id ? "room" : "user";
}

void write(json::Writer& out, const Report& report) {
  out.begin_object().member("report_id", report.report_id).member("ts", report.created_ts);
  out.member("reporter", report.reporter);
  out.member("state", report.closed_ts ? "closed" : "open").member("about", about(report));
  if (report.room_id) out.member("room_id", *report.room_id);
  if (report.event_id) out.member("event_id", *report.event_id);
  if (report.user_id) out.member("user_id", *report.user_id);
  if (!report.reason.empty()) out.member("reason", cut_utf8(report.reason, shown_reason));
  if (report.closed_ts) {
    out.member("closed_by", report.closed_by).member("closed_ts", *report.closed_ts);
    out.member("note", report.note);
  }
  out.end_object();
}

Result<Which> which_of(const Call& call) {
  const auto state = call.query("state");
  if (!state) return Which::all;
  if (*state == "open") return Which::open;
  if (*state == "closed") return Which::closed;
  return service::invalid_param("A report is open or closed.");
}

Result<std::string> list(Reports& reports, const Call& call) {
  GIMS_TRY_ASSIGN(const Which which, which_of(call));
  GIMS_TRY_ASSIGN(const auto before, optional_id(call, "after"));
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  GIMS_TRY_ASSIGN(const auto page, reports.page(which, before, limit));
  json::Writer out;
  out.begin_object().key("reports").begin_array();
  for (const Report& report : page.reports) write(out, report);
  out.end_array();
  if (page.next) out.member("next", std::to_string(*page.next));
  out.end_object();
  return out.take();
}

void close(Reports& reports, Call call) {
  const auto id = id_of(call.param("reportId"), "The report");
  if (!id) return std::move(call).error(id.error());
  if (const auto known = only_members(call.body(), of_close); !known) {
    return std::move(call).error(known.error());
  }
  const auto note = json::required_string(call.body(), "note");
  if (!note) return std::move(call).error(note.error());
  std::string text(*note);
  service::Actor actor = actor_of(call);
  reports.close(*id, std::move(text), std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes report_routes(Reports& reports) {
  using http::Method;
  Routes routes;
  routes.push_back(
      admin_route(Method::get, "/_gims/admin/v1/reports", BodyKind::none, [&reports](Call call) {
        auto answer = list(reports, call);
        std::move(call).result(std::move(answer));
      }));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/reports/{reportId}/close",
                               BodyKind::json_object,
                               [&reports](Call call) { close(reports, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin

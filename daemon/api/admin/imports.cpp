// Officers from a file.
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"
#include "service/officers/csv.hpp"

namespace gims::api::admin {
namespace {

using service::ImportDone;
using service::ImportError;
using service::ImportRow;
using service::Imports;

// A byte more, so that the service says in words that the file is too large.
constexpr std::size_t file_limit = service::largest_csv + 1;
constexpr std::size_t first_rows = 100;
constexpr std::array<std::string_view, 1> of_commit{"skip_bad"};

void write(json::Writer& out, const std::vector<ImportError>& errors) {
  out.begin_array();
  for (const ImportError& error : errors) {
    out.begin_object().member("row", error.row).member("errcode", error.errcode);
    out.member("error", error.error);
    if (!error.column.empty()) out.member("column", error.column);
    if (!error.value.empty()) out.member("value", error.value);
    out.end_object();
  }
  out.end_array();
}

void write(json::Writer& out, const std::vector<ImportRow>& rows) {
  out.begin_array();
  for (const ImportRow& row : rows) {
    out.begin_object().member("row", row.row).member("localpart", row.localpart);
    out.member("display_name", row.display_name).member("unit", row.unit);
    out.member("designation", row.designation).key("errors");
    write(out, row.errors);
    out.end_object();
  }
  out.end_array();
}

Result<std::string> preview(Imports& imports, const Call& call) {
  GIMS_TRY_ASSIGN(const auto preview, imports.preview(call.request().body));
  GIMS_TRY_ASSIGN(const auto rows, imports.first_rows(preview.import_id, first_rows));
  json::Writer out;
  out.begin_object().member("import_id", preview.import_id);
  out.member("expires_ts", preview.expires_ts).member("rows", preview.rows);
  out.member("good", preview.rows - preview.bad).member("bad", preview.bad);
  out.key("columns").begin_array();
  for (const std::string& column : preview.columns) out.value(column);
  out.end_array().key("first");
  write(out, rows);
  out.end_object();
  return out.take();
}

Result<std::string> rows(Imports& imports, const Call& call) {
  const std::string_view text = call.query("after").value_or("0");
  std::int64_t after = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, after);
  if (error != std::errc{} || end != last || after < 0) {
    return service::invalid_param("after is the number of a row.");
  }
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  const auto only = call.query("only");
  if (only && *only != "bad") return service::invalid_param("only is bad, or is not there.");
  GIMS_TRY_ASSIGN(const auto page, imports.rows(std::string(call.param("importId")), after,
                                                only.has_value(), static_cast<std::size_t>(limit)));
  json::Writer out;
  out.begin_object().key("rows");
  write(out, page.rows);
  if (page.next) out.member("next", std::to_string(*page.next));
  out.end_object();
  return out.take();
}

void commit(Imports& imports, Call call) {
  if (const auto known = only_members(call.body(), of_commit); !known) {
    return std::move(call).error(known.error());
  }
  const auto skip_bad = json::required_bool(call.body(), "skip_bad");
  if (!skip_bad) return std::move(call).error(skip_bad.error());
  std::string import_id(call.param("importId"));
  service::Actor actor = actor_of(call);
  imports.commit(std::move(import_id), *skip_bad, std::move(actor),
                 answer<ImportDone>(std::move(call), [](const ImportDone& done) {
                   json::Writer out;
                   out.begin_object().member("made", done.made).key("errors");
                   write(out, done.errors);
                   out.end_object();
                   return out.take();
                 }));
}

}  // namespace

Routes import_routes(Imports& imports) {
  using http::Method;
  Routes routes;
  routes.push_back(
      admin_route(Method::post, "/_gims/admin/v1/imports", BodyKind::bytes, [&imports](Call call) {
        auto answer = preview(imports, call);
        std::move(call).result(std::move(answer));
      }));
  routes.back().body_limit = file_limit;
  routes.push_back(admin_route(Method::get, "/_gims/admin/v1/imports/{importId}/rows",
                               BodyKind::none, [&imports](Call call) {
                                 auto answer = rows(imports, call);
                                 std::move(call).result(std::move(answer));
                               }));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/imports/{importId}/commit",
                               BodyKind::json_object,
                               [&imports](Call call) { commit(imports, std::move(call)); }));
  routes.push_back(admin_route(
      Method::del, "/_gims/admin/v1/imports/{importId}", BodyKind::none, [&imports](Call call) {
        const auto done = imports.discard(std::string(call.param("importId")));
        if (!done) return std::move(call).error(done.error());
        std::move(call).reply_empty();
      }));
  return routes;
}

}  // namespace gims::api::admin

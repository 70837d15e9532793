// The organisation's units and designations.
#include <array>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::Designation;
using service::DesignationWanted;
using service::Organisation;
using service::Unit;
using service::UnitWanted;

constexpr std::int64_t highest_rank = 1000;
constexpr std::array<std::string_view, 4> of_unit{"kind", "name", "name_hi", "parent_id"};
constexpr std::array<std::string_view, 3> of_designation{"name", "name_hi", "rank"};

Result<UnitWanted> decode_unit(json::Value body) {
  GIMS_TRY(only_members(body, of_unit));
  UnitWanted wanted;
  GIMS_TRY_ASSIGN(const auto kind, json::required_string(body, "kind"));
  GIMS_TRY_ASSIGN(wanted.kind, service::unit_kind_named(kind));
  GIMS_TRY_ASSIGN(wanted.name, json::required_string(body, "name"));
  GIMS_TRY_ASSIGN(const auto name_hi, json::optional_string(body, "name_hi"));
  GIMS_TRY_ASSIGN(const auto parent, json::optional_string(body, "parent_id"));
  wanted.name_hi = name_hi.value_or("");
  if (parent) {
    GIMS_TRY_ASSIGN(wanted.parent_id, id_of(*parent, "parent_id"));
  }
  return wanted;
}

Result<DesignationWanted> decode_designation(json::Value body) {
  GIMS_TRY(only_members(body, of_designation));
  DesignationWanted wanted;
  GIMS_TRY_ASSIGN(wanted.name, json::required_string(body, "name"));
  GIMS_TRY_ASSIGN(const auto name_hi, json::optional_string(body, "name_hi"));
  GIMS_TRY_ASSIGN(wanted.rank, json::optional_int(body, "rank"));
  wanted.name_hi = name_hi.value_or("");
  if (wanted.rank && (*wanted.rank < 0 || *wanted.rank > highest_rank)) {
    return service::invalid_param("A rank is a number from 0 to 1000.");
  }
  return wanted;
}

void write(json::Writer& out, const Unit& unit) {
  out.begin_object().member("unit_id", std::to_string(unit.unit_id));
  out.member("kind", service::name_of(unit.kind)).member("name", unit.name);
  out.member("officers", unit.officers);
  if (unit.parent_id != 0) out.member("parent_id", std::to_string(unit.parent_id));
  if (unit.name_hi) out.member("name_hi", *unit.name_hi);
  out.end_object();
}

void write(json::Writer& out, const Designation& designation) {
  out.begin_object().member("designation_id", std::to_string(designation.designation_id));
  out.member("name", designation.name).member("officers", designation.officers);
  if (designation.name_hi) out.member("name_hi", *designation.name_hi);
  if (designation.rank) out.member("rank", *designation.rank);
  out.end_object();
}

template <class What>
std::string as_json(const What& what) {
  json::Writer out;
  write(out, what);
  return out.take();
}

Result<std::string> whole(Organisation& organisation) {
  GIMS_TRY_ASSIGN(const auto found, organisation.whole());
  json::Writer out;
  out.begin_object().key("units").begin_array();
  for (const Unit& unit : found.units) write(out, unit);
  out.end_array().key("designations").begin_array();
  for (const Designation& designation : found.designations) write(out, designation);
  out.end_array().end_object();
  return out.take();
}

void add_unit(Organisation& organisation, Call call) {
  auto wanted = decode_unit(call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  service::Actor actor = actor_of(call);
  organisation.add_unit(std::move(*wanted), std::move(actor),
                        answer<Unit>(std::move(call), as_json<Unit>));
}

void change_unit(Organisation& organisation, Call call) {
  const auto id = id_of(call.param("unitId"), "The unit");
  if (!id) return std::move(call).error(id.error());
  auto wanted = decode_unit(call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  service::Actor actor = actor_of(call);
  organisation.change_unit(*id, std::move(*wanted), std::move(actor),
                           answer<Unit>(std::move(call), as_json<Unit>));
}

void remove_unit(Organisation& organisation, Call call) {
  const auto id = id_of(call.param("unitId"), "The unit");
  if (!id) return std::move(call).error(id.error());
  service::Actor actor = actor_of(call);
  organisation.remove_unit(*id, std::move(actor), answer_empty(std::move(call)));
}

void add_designation(Organisation& organisation, Call call) {
  auto wanted = decode_designation(call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  service::Actor actor = actor_of(call);
  organisation.add_designation(std::move(*wanted), std::move(actor),
                               answer<Designation>(std::move(call), as_json<Designation>));
}

void change_designation(Organisation& organisation, Call call) {
  const auto id = id_of(call.param("designationId"), "The designation");
  if (!id) return std::move(call).error(id.error());
  auto wanted = decode_designation(call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  service::Actor actor = actor_of(call);
  organisation.change_designation(*id, std::move(*wanted), std::move(actor),
                                  answer<Designation>(std::move(call), as_json<Designation>));
}

void remove_designation(Organisation& organisation, Call call) {
  const auto id = id_of(call.param("designationId"), "The designation");
  if (!id) return std::move(call).error(id.error());
  service::Actor actor = actor_of(call);
  organisation.remove_designation(*id, std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes organisation_routes(Organisation& organisation) {
  using http::Method;
  Routes routes;
  const auto add = [&](Method method, std::string_view path, BodyKind body,
                       void (*handle)(Organisation&, Call)) {
    routes.push_back(admin_route(method, path, body, [&organisation, handle](Call call) {
      handle(organisation, std::move(call));
    }));
  };
  constexpr std::string_view units = "/_gims/admin/v1/organisation/units";
  constexpr std::string_view unit = "/_gims/admin/v1/organisation/units/{unitId}";
  constexpr std::string_view titles = "/_gims/admin/v1/organisation/designations";
  constexpr std::string_view title = "/_gims/admin/v1/organisation/designations/{designationId}";
  add(Method::get, "/_gims/admin/v1/organisation", BodyKind::none,
      [](Organisation& all, Call call) {
        auto answer = whole(all);
        std::move(call).result(std::move(answer));
      });
  add(Method::post, units, BodyKind::json_object, add_unit);
  add(Method::put, unit, BodyKind::json_object, change_unit);
  add(Method::del, unit, BodyKind::none, remove_unit);
  add(Method::post, titles, BodyKind::json_object, add_designation);
  add(Method::put, title, BodyKind::json_object, change_designation);
  add(Method::del, title, BodyKind::none, remove_designation);
  return routes;
}

}  // namespace gims::api::admin

// Officers and their accounts, as an administrator makes, changes and ends them.
#include <array>
#include <future>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"
#include "service/officers/clearance.hpp"

namespace gims::api::admin {
namespace {

using service::UserState;

constexpr std::array<std::string_view, 8> of_new_user{
    "localpart", "password",       "display_name", "must_change_password",
    "unit_id",   "designation_id", "employee_id",  "phone"};
constexpr std::array<std::string_view, 5> of_change{"display_name", "unit_id", "designation_id",
                                                    "employee_id", "phone"};
constexpr std::array<std::string_view, 3> of_reset{"password", "must_change_password", "reason"};
constexpr std::array<std::string_view, 1> of_act{"reason"};
constexpr std::array<std::string_view, 2> of_clearance{"clearance", "reason"};

// An empty text stands for none.
Result<std::optional<std::int64_t>> place_in(json::Value body, std::string_view name) {
  GIMS_TRY_ASSIGN(const auto text, json::optional_string(body, name));
  if (!text) return std::optional<std::int64_t>();
  if (text->empty()) return std::optional<std::int64_t>(0);
  GIMS_TRY_ASSIGN(const std::int64_t id, id_of(*text, name));
  return std::optional(id);
}

Result<std::optional<std::string>> text_in(json::Value body, std::string_view name) {
  GIMS_TRY_ASSIGN(const auto text, json::optional_string(body, name));
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Result<service::OfficerChange> decode_change(json::Value body) {
  service::OfficerChange what;
  GIMS_TRY_ASSIGN(what.name, text_in(body, "display_name"));
  GIMS_TRY_ASSIGN(what.employee_id, text_in(body, "employee_id"));
  GIMS_TRY_ASSIGN(what.phone, text_in(body, "phone"));
  GIMS_TRY_ASSIGN(what.unit_id, place_in(body, "unit_id"));
  GIMS_TRY_ASSIGN(what.designation_id, place_in(body, "designation_id"));
  return what;
}

Result<std::optional<Redacted>> password_in(json::Value body) {
  GIMS_TRY_ASSIGN(const auto password, json::optional_string(body, "password"));
  if (!password) return std::optional<Redacted>();
  return std::optional<Redacted>(std::in_place, std::string(*password));
}

Result<service::NewUser> decode_new_user(json::Value body) {
  GIMS_TRY(only_members(body, of_new_user));
  service::NewUser user;
  GIMS_TRY_ASSIGN(const auto localpart, json::required_string(body, "localpart"));
  GIMS_TRY_ASSIGN(user.password, password_in(body));
  GIMS_TRY_ASSIGN(const auto must_change, json::optional_bool(body, "must_change_password"));
  user.localpart = localpart;
  user.must_change_password = must_change.value_or(false);
  return user;
}

void add(const OfficerServices& services, Call call) {
  auto user = decode_new_user(call.body());
  if (!user) return std::move(call).error(user.error());
  auto what = decode_change(call.body());
  if (!what) return std::move(call).error(what.error());
  service::Actor actor = actor_of(call);
  services.officers.create(std::move(*user), std::move(*what), std::move(actor),
                           [call = std::move(call)](Result<std::string> user_id) mutable {
                             if (!user_id) {
                               // The specification has 400 for it where somebody registers.
                               if (user_id.error().code == "M_USER_IN_USE")
                                 user_id.error().kind = ErrorKind::conflict;
                               return std::move(call).error(user_id.error());
                             }
                             json::Writer out;
                             out.begin_object().member("user_id", *user_id).end_object();
                             std::move(call).reply(out.take());
                           });
}

void write_place(json::Writer& out, const service::Officer& officer) {
  if (officer.name) out.member("display_name", *officer.name);
  if (officer.unit_id) out.member("unit_id", std::to_string(*officer.unit_id));
  if (officer.designation_id) out.member("designation_id", std::to_string(*officer.designation_id));
  out.member("clearance", service::label_of(officer.clearance));
  if (officer.last_seen_ts) out.member("last_seen_ts", *officer.last_seen_ts);
}

// A revoked slip is as none.
std::string_view slip_word(const std::optional<service::Slip>& slip) {
  const bool counts = slip && slip->state != service::SlipState::revoked;
  return counts ? service::name_of(slip->state) : "none";
}

Result<service::OfficerQuery> decode_query(const Call& call) {
  service::OfficerQuery query;
  query.after = call.query("after").value_or("");
  query.text = call.query("q").value_or("");
  GIMS_TRY_ASSIGN(query.count, limit_of(call));
  GIMS_TRY_ASSIGN(query.unit_id, optional_id(call, "unit"));
  if (const auto state = call.query("state")) {
    GIMS_TRY_ASSIGN(query.state, service::user_state_named(*state));
  }
  if (const auto label = call.query("clearance")) {
    query.clearance = service::level_of(*label);
    if (!query.clearance) return service::invalid_param("There is no such label.");
  }
  return query;
}

Result<std::string> list(const OfficerServices& services, const Call& call) {
  GIMS_TRY_ASSIGN(const service::OfficerQuery query, decode_query(call));
  GIMS_TRY_ASSIGN(const auto page, services.officers.page(query));
  json::Writer out;
  out.begin_object().key("users").begin_array();
  for (const service::Officer& officer : page.officers) {
    GIMS_TRY_ASSIGN(const auto slip, services.slips.of_user(officer.user_id));
    out.begin_object().member("user_id", officer.user_id);
    out.member("state", service::name_of(officer.state)).member("created_ts", officer.created_ts);
    out.member("devices", officer.devices);
    write_place(out, officer);
    out.member("slip", slip_word(slip)).end_object();
  }
  out.end_array();
  if (!page.next.empty()) out.member("next", page.next);
  out.end_object();
  return out.take();
}

Result<std::string> user_json(const OfficerServices& services, const std::string& user_id) {
  GIMS_TRY_ASSIGN(const auto officer, services.officers.find(user_id));
  if (!officer) return service::not_found("There is no such account.");
  GIMS_TRY_ASSIGN(const auto devices, services.devices.of_user(user_id));
  GIMS_TRY_ASSIGN(const auto slip, services.slips.of_user(user_id));
  json::Writer out;
  out.begin_object().member("user_id", user_id);
  out.member("state", service::name_of(officer->state)).member("created_ts", officer->created_ts);
  out.member("must_change_password", officer->must_change_password);
  write_place(out, *officer);
  if (officer->employee_id) out.member("employee_id", *officer->employee_id);
  if (officer->phone) out.member("phone", *officer->phone);
  out.member("rooms", officer->rooms);
  if (officer->identity_reset_until_ts) {
    out.member("identity_reset_until_ts", *officer->identity_reset_until_ts);
  }
  if (slip) {
    out.key("slip");
    write_slip(out, *slip);
  }
  out.key("devices").begin_array();
  for (const service::SiteDevice& device : devices) write_device(out, device);
  out.end_array().end_object();
  return out.take();
}

Result<std::string> show(const OfficerServices& services, const Call& call) {
  GIMS_TRY_ASSIGN(const std::string user_id, services.users.full_id(call.param("userId")));
  return user_json(services, user_id);
}

void change(const OfficerServices& services, Call call) {
  auto user = user_of(services.users, call);
  if (!user) return std::move(call).error(user.error());
  if (const auto known = only_members(call.body(), of_change); !known) {
    return std::move(call).error(known.error());
  }
  auto what = decode_change(call.body());
  if (!what) return std::move(call).error(what.error());
  // The answer is the officer as stored: a worker may wait for the commit, the writer not for a
  // read.
  std::promise<Result<>> promise;
  services.officers.change(user->user_id, std::move(*what), actor_of(call),
                           [&promise](Result<> done) { promise.set_value(std::move(done)); });
  if (const auto done = promise.get_future().get(); !done) {
    return std::move(call).error(done.error());
  }
  auto changed = user_json(services, user->user_id);
  std::move(call).result(std::move(changed));
}

struct Act {
  std::string user_id;
  std::string reason;
};
Result<Act> decode_act(service::Users& users, const Call& call,
                       std::span<const std::string_view> known) {
  GIMS_TRY_ASSIGN(service::User user, user_of(users, call));
  GIMS_TRY(only_members(call.body(), known));
  GIMS_TRY_ASSIGN(std::string reason, reason_of(call.body()));
  return Act{.user_id = std::move(user.user_id), .reason = std::move(reason)};
}

void set_state(service::Users& users, UserState state, Call call) {
  auto act = decode_act(users, call, of_act);
  if (!act) return std::move(call).error(act.error());
  service::Actor actor = actor_of(call);
  users.set_state(std::move(act->user_id), state, std::move(act->reason), std::move(actor),
                  answer_empty(std::move(call)));
}

void reset(service::Users& users, Call call) {
  auto act = decode_act(users, call, of_reset);
  if (!act) return std::move(call).error(act.error());
  auto password = password_in(call.body());
  if (!password) return std::move(call).error(password.error());
  const auto must_change = json::optional_bool(call.body(), "must_change_password");
  if (!must_change) return std::move(call).error(must_change.error());
  service::Actor actor = actor_of(call);
  if (!*password) {
    return users.take_password(std::move(act->user_id), std::move(act->reason), std::move(actor),
                               answer_empty(std::move(call)));
  }
  users.reset_password(std::move(act->user_id), std::move(**password), must_change->value_or(false),
                       std::move(actor), answer_empty(std::move(call)));
}

void set_clearance(const OfficerServices& services, Call call) {
  auto act = decode_act(services.users, call, of_clearance);
  if (!act) return std::move(call).error(act.error());
  const auto label = json::required_string(call.body(), "clearance");
  if (!label) return std::move(call).error(label.error());
  const std::int64_t level = service::level_of(*label).value_or(-1);
  service::Actor actor = actor_of(call);
  services.officers.set_clearance(std::move(act->user_id), level, std::move(act->reason),
                                  std::move(actor), answer_empty(std::move(call)));
}

std::string labels_json() {
  json::Writer out;
  out.begin_object().key("labels").begin_array();
  for (std::size_t level = 0; level < service::labels.size(); ++level) {
    const service::Label& label = service::labels[level];
    out.begin_object().member("label", label.label).member("name", label.name);
    out.member("name_hi", label.name_hi).member("level", level);
    out.member("colour", label.colour).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace

Routes user_routes(OfficerServices services) {
  using http::Method;
  service::Users& users = services.users;
  const auto to_state = [&users](UserState state) {
    return [&users, state](Call call) { set_state(users, state, std::move(call)); };
  };
  const auto reading = [services](auto read) {
    return [services, read](Call call) {
      auto answer = read(services, call);
      std::move(call).result(std::move(answer));
    };
  };
  constexpr std::string_view all = "/_gims/admin/v1/users";
  constexpr std::string_view one = "/_gims/admin/v1/users/{userId}";
  Routes routes;
  routes.push_back(admin_route(Method::post, all, BodyKind::json_object,
                               [services](Call call) { add(services, std::move(call)); }));
  routes.push_back(admin_route(Method::get, all, BodyKind::none, reading(list)));
  routes.push_back(admin_route(Method::get, one, BodyKind::none, reading(show)));
  routes.push_back(admin_route(Method::patch, one, BodyKind::json_object,
                               [services](Call call) { change(services, std::move(call)); }));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/lock",
                               BodyKind::json_object_or_empty, to_state(UserState::locked)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/unlock",
                               BodyKind::json_object_or_empty, to_state(UserState::active)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/suspend",
                               BodyKind::json_object_or_empty, to_state(UserState::suspended)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/deactivate",
                               BodyKind::json_object_or_empty, to_state(UserState::deactivated)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/reset",
                               BodyKind::json_object_or_empty,
                               [&users](Call call) { reset(users, std::move(call)); }));
  routes.push_back(
      admin_route(Method::put, "/_gims/admin/v1/users/{userId}/clearance", BodyKind::json_object,
                  [services](Call call) { set_clearance(services, std::move(call)); }));
  routes.push_back(admin_route(Method::get, "/_gims/admin/v1/labels", BodyKind::none,
                               [](Call call) { std::move(call).reply(labels_json()); }));
  return routes;
}

}  // namespace gims::api::admin

#include "service/officers/officers.hpp"

#include <set>
#include <utility>

#include "json/text.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/officers/clearance.hpp"
#include "service/officers/folding.hpp"
#include "service/officers/names.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/organisation.hpp"
#include "store/statements/profiles.hpp"
#include "store/statements/users.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// A change of a name makes an event in each of the officer's rooms.
constexpr std::int64_t refreshed_at_once = 10;

std::unexpected<Error> no_such_account() { return not_found("There is no such account."); }

std::optional<std::string> string_in(const std::optional<std::string>& json) {
  if (!json) return std::nullopt;
  const auto document = json::Document::parse(*json);
  if (!document || !document->root().is_string()) return std::nullopt;
  return std::string(document->root().string_or(""));
}

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

// `wanted` where it is there; an empty one takes away what there was.
template <class T>
std::optional<T> after(const std::optional<T>& wanted, const std::optional<T>& before) {
  if (!wanted) return before;
  return *wanted == T() ? std::nullopt : wanted;
}

Officer officer_of(std::string_view user_id, sql_of::OfficerById::Row row, UserState state) {
  std::optional<std::int64_t> unit = row.section_id;
  if (!unit) unit = row.department_id;
  if (!unit) unit = row.ministry_id;
  return {.user_id = std::string(user_id),
          .name = row.name ? std::move(row.name) : string_in(row.display_name),
          .state = state,
          .created_ts = row.created_ts,
          .must_change_password = row.must_change_password != 0,
          .clearance = row.clearance,
          .employee_id = std::move(row.employee_id),
          .phone = std::move(row.phone),
          .unit_id = unit,
          .designation_id = row.designation_id,
          .devices = row.devices,
          .last_seen_ts = row.last_seen_ts,
          .rooms = row.rooms,
          .identity_reset_until_ts = row.identity_reset_until_ts};
}

Result<std::optional<Officer>> read(sql::Connection& sql, std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto row, sql::first(sql, sql_of::OfficerById{user_id}));
  if (!row) return std::optional<Officer>();
  GIMS_TRY_ASSIGN(const UserState state, user_state_named(row->state));
  return std::optional(officer_of(user_id, std::move(*row), state));
}

void write(json::Writer& out, const Officer& officer) {
  out.begin_object();
  if (officer.designation_id) out.member("designation_id", *officer.designation_id);
  if (officer.employee_id) out.member("employee_id", *officer.employee_id);
  if (officer.name) out.member("name", *officer.name);
  if (officer.phone) out.member("phone", *officer.phone);
  if (officer.unit_id) out.member("unit_id", *officer.unit_id);
  out.end_object();
}

// Of an officer who is new, for the audit log.
std::string detail_of(const OfficerChange& what) {
  const auto some = []<class T>(const std::optional<T>& wanted) {
    return after(wanted, std::optional<T>());
  };
  const Officer officer{.user_id = {},
                        .name = some(what.name),
                        .employee_id = some(what.employee_id),
                        .phone = some(what.phone),
                        .unit_id = some(what.unit_id),
                        .designation_id = some(what.designation_id)};
  json::Writer out;
  out.begin_object().key("after");
  write(out, officer);
  out.end_object();
  return out.take();
}

// Whom an administrator may change.
Result<Officer> require_open(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto officer, read(transaction.sql(), user_id));
  if (!officer) return no_such_account();
  if (officer->state == UserState::deactivated) {
    return fail(ErrorKind::conflict, "M_USER_DEACTIVATED",
                "The account is closed for good; make another.");
  }
  return std::move(*officer);
}

// "Name (Designation)", as every client shows it.
std::string shown_name(const sql_of::OfficerNames::Row& names) {
  std::string shown = *names.name;
  if (names.designation) shown += " (" + *names.designation + ")";
  return shown;
}

struct TermCursor {
  std::string term;
  std::string user_id;
};
// "@user:server term": no user id has a blank in it.
Result<TermCursor> term_cursor(const std::string& after) {
  if (after.empty()) return TermCursor{};
  const std::size_t blank = after.find(' ');
  if (blank == std::string::npos) {
    return invalid_param("after is what the page before gave as next.");
  }
  return TermCursor{.term = after.substr(blank + 1), .user_id = after.substr(0, blank)};
}

struct Found {
  std::vector<std::string> user_ids;
  std::string next;
};

template <class Statement>
Result<Found> take(sql::Connection& sql, const Statement& statement) {
  Found found;
  GIMS_TRY(sql::for_each(sql, statement,
                         [&](const auto& row) { found.user_ids.emplace_back(row.user_id); }));
  if (std::cmp_equal(found.user_ids.size(), statement.count)) found.next = found.user_ids.back();
  return found;
}

Result<Found> found_by_term(sql::Connection& sql, const OfficerQuery& query,
                            std::optional<std::string_view> state) {
  GIMS_TRY_ASSIGN(const TermCursor from, term_cursor(query.after));
  const std::string whole = folded(query.text);
  const std::string prefix(std::string_view(whole).substr(0, longest_term));
  const std::string below = end_of_prefix(prefix);
  Found found;
  std::string last;
  GIMS_TRY(sql::for_each(sql,
                         sql_of::OfficersByTermPage{.prefix = prefix,
                                                    .below = below,
                                                    .after_term = from.term,
                                                    .after_user = from.user_id,
                                                    .state = state,
                                                    .clearance = query.clearance,
                                                    .unit_id = query.unit_id,
                                                    .count = query.count},
                         [&](const auto& row) {
                           found.user_ids.emplace_back(row.user_id);
                           last = row.term;
                         }));
  if (std::cmp_equal(found.user_ids.size(), query.count)) {
    found.next = found.user_ids.back() + " " + last;
  }
  return found;
}

Result<Found> found_in_unit(sql::Connection& sql, const OfficerQuery& query,
                            std::optional<std::string_view> state) {
  GIMS_TRY_ASSIGN(const auto unit, sql::first(sql, sql_of::UnitById{*query.unit_id}));
  if (!unit) return not_found("There is no such unit.");
  const auto page = [&]<class Statement>(const Statement&) {
    return take(sql, Statement{.unit_id = *query.unit_id,
                               .after = query.after,
                               .state = state,
                               .clearance = query.clearance,
                               .count = query.count});
  };
  if (unit->level == 1) return page(sql_of::OfficersOfMinistryPage{});
  if (unit->level == 2) return page(sql_of::OfficersOfDepartmentPage{});
  return page(sql_of::OfficersOfSectionPage{});
}

Result<Found> find_page(sql::Connection& sql, const OfficerQuery& query) {
  std::optional<std::string_view> state;
  if (query.state) state = name_of(*query.state);
  if (!folded(query.text).empty()) return found_by_term(sql, query, state);
  if (query.unit_id) return found_in_unit(sql, query, state);
  return take(sql, sql_of::OfficersPage{.after = query.after,
                                        .state = state,
                                        .clearance = query.clearance,
                                        .count = query.count});
}

Result<> check_short(const std::optional<std::string>& text, std::string_view what,
                     std::size_t most) {
  if (!text || text->empty()) return {};
  return check_name(*text, what, most);
}

}  // namespace

Result<> Officers::check(const OfficerChange& what) {
  GIMS_TRY(check_short(what.name, "display_name", longest_name));
  GIMS_TRY(check_short(what.employee_id, "employee_id", longest_employee_id));
  return check_short(what.phone, "phone", longest_phone);
}

void Officers::create(NewUser user, OfficerChange what, Actor actor,
                      std::move_only_function<void(Result<std::string>)> done) {
  if (auto fine = check(what); !fine) return done(pass(std::move(fine)));
  user.detail = detail_of(what);
  user.more = [this, what = std::move(what)](store::Transaction& transaction,
                                             std::string_view user_id) {
    return apply(transaction, user_id, what);
  };
  users_.create(std::move(user), std::move(actor), std::move(done));
}

void Officers::change(std::string user_id, OfficerChange what, Actor actor,
                      std::move_only_function<void(Result<>)> done) {
  if (auto fine = check(what); !fine) return done(std::move(fine));
  store_.writer().submit(
      [this, user_id = std::move(user_id), what = std::move(what),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        GIMS_TRY_ASSIGN(const Officer before, require_open(transaction, user_id));
        GIMS_TRY(apply(transaction, user_id, what));
        GIMS_TRY_ASSIGN(const auto changed, read(transaction.sql(), user_id));
        json::Writer detail;
        detail.begin_object().key("after");
        write(detail, *changed);
        detail.key("before");
        write(detail, before);
        detail.end_object();
        return audit(transaction, actor, "user.changed", user_id, detail.text());
      },
      std::move(done));
}

Result<> Officers::apply(store::Transaction& transaction, std::string_view user_id,
                         const OfficerChange& what) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto before, sql::first(sql, sql_of::OfficerById{user_id}));
  UnitPath path;
  if (before) {
    path = {.ministry_id = before->ministry_id,
            .department_id = before->department_id,
            .section_id = before->section_id};
  }
  if (what.unit_id) {
    path = {};
    if (*what.unit_id != 0) {
      GIMS_TRY_ASSIGN(path, Organisation::path_of(sql, *what.unit_id));
    }
  }
  if (what.designation_id && *what.designation_id != 0) {
    GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::DesignationById{*what.designation_id}));
    if (!row) return not_found("There is no such designation.");
  }
  const auto text = [&](const std::optional<std::string>& wanted, auto stored) {
    return after(wanted, before ? (*before).*stored : std::optional<std::string>());
  };
  using Row = sql_of::OfficerById::Row;
  const auto name = text(what.name, &Row::name);
  const auto employee_id = text(what.employee_id, &Row::employee_id);
  const auto phone = text(what.phone, &Row::phone);
  GIMS_TRY(sql::run(sql, sql_of::SetOfficer{.user_id = user_id,
                                            .name = view_of(name),
                                            .employee_id = view_of(employee_id),
                                            .phone = view_of(phone),
                                            .designation_id = after(
                                                what.designation_id,
                                                before ? before->designation_id : std::nullopt),
                                            .ministry_id = path.ministry_id,
                                            .department_id = path.department_id,
                                            .section_id = path.section_id}));
  return refresh(transaction, user_id);
}

void Officers::set_clearance(std::string user_id, std::int64_t level, std::string reason,
                             Actor actor, std::move_only_function<void(Result<>)> done) {
  if (level < 0 || std::cmp_greater_equal(level, labels.size())) {
    return done(invalid_param("There is no such label."));
  }
  store_.writer().submit(
      [user_id = std::move(user_id), level, reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        GIMS_TRY_ASSIGN(const Officer before, require_open(transaction, user_id));
        GIMS_TRY(sql::run(transaction.sql(), sql_of::UpdateClearance{user_id, level}));
        json::Writer detail;
        detail.begin_object().member("after", label_of(level));
        detail.member("before", label_of(before.clearance));
        if (!reason.empty()) detail.member("reason", reason);
        detail.end_object();
        return audit(transaction, actor, "user.clearance", user_id, detail.text());
      },
      std::move(done));
}

Result<Officers::Page> Officers::page(const OfficerQuery& query) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(Found found, find_page(reader.sql(), query));
  Page page{.officers = {}, .next = std::move(found.next)};
  page.officers.reserve(found.user_ids.size());
  for (const std::string& user_id : found.user_ids) {
    GIMS_TRY_ASSIGN(auto officer, read(reader.sql(), user_id));
    if (officer) page.officers.push_back(std::move(*officer));
  }
  return page;
}

Result<std::optional<Officer>> Officers::find(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  return read(reader.sql(), user_id);
}

Result<bool> Officers::refresh_some(store::Transaction& transaction) const {
  GIMS_TRY_ASSIGN(const auto stale,
                  sql::all(transaction.sql(), sql_of::StaleOfficers{refreshed_at_once}));
  for (const auto& row : stale) GIMS_TRY(refresh(transaction, row.user_id));
  return std::cmp_equal(stale.size(), refreshed_at_once);
}

Result<> Officers::refresh(store::Transaction& transaction, std::string_view user_id) const {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto names, sql::first(sql, sql_of::OfficerNames{user_id}));
  if (!names) return {};
  GIMS_TRY_ASSIGN(const auto stored, sql::first(sql, sql_of::ProfileField{user_id, "displayname"}));
  std::string shown = stored ? stored->value : std::string();
  if (names->name) {
    const std::string wanted = json::quoted(shown_name(*names));
    if (wanted != shown) {
      GIMS_TRY(sql::run(sql, sql_of::UpsertProfileField{user_id, "displayname", wanted}));
      GIMS_TRY_ASSIGN(const auto avatar,
                      sql::first(sql, sql_of::ProfileField{user_id, "avatar_url"}));
      GIMS_TRY(rooms_.profile_changed(transaction, user_id, wanted, avatar ? avatar->value : ""));
      shown = wanted;
    }
  }
  std::set<std::string> terms;
  const auto add = [&](std::string_view text) {
    for (std::string& term : terms_of(text)) terms.insert(std::move(term));
  };
  add(user_id.substr(1, user_id.find(':') - 1));
  add(string_in(shown).value_or(""));
  if (names->designation) add(*names->designation);
  if (names->designation_hi) add(*names->designation_hi);
  GIMS_TRY(sql::run(sql, sql_of::DeleteTermsOfOfficer{user_id}));
  for (const std::string& term : terms) GIMS_TRY(sql::run(sql, sql_of::InsertTerm{term, user_id}));
  return sql::run(sql, sql_of::OfficerIsStale{user_id, 0});
}

}  // namespace gims::service

#include "service/officers/organisation.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/officers/folding.hpp"
#include "service/officers/names.hpp"
#include "store/statements/organisation.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

std::unexpected<Error> no_such_unit() { return not_found("There is no such unit."); }
std::unexpected<Error> no_such_designation() { return not_found("There is no such designation."); }
std::unexpected<Error> wrong_state(std::string_view text) {
  return fail(ErrorKind::conflict, "GIMS_STATE", text);
}
std::unexpected<Error> in_use(std::string_view text) {
  return fail(ErrorKind::conflict, "GIMS_IN_USE", text);
}

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}
std::optional<std::string> owned(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

template <class Wanted>
Result<> check_names(const Wanted& wanted) {
  GIMS_TRY(check_name(wanted.name, "name", Organisation::longest_name));
  if (wanted.name_hi.empty()) return {};
  return check_name(wanted.name_hi, "name_hi", Organisation::longest_name);
}

// {"name":..,...} of a unit, for the audit log.
template <class What>
void write(json::Writer& out, const What& unit, std::int64_t parent_id) {
  out.begin_object().member("name", unit.name);
  if (parent_id != 0) out.member("parent_id", parent_id);
  out.end_object();
}

Result<> check_parent(sql::Connection& sql, const UnitWanted& wanted) {
  const bool is_ministry = wanted.kind == UnitKind::ministry;
  if (is_ministry != (wanted.parent_id == 0)) {
    return wrong_state(
        "A ministry is in nothing; a department is in a ministry, a section in a "
        "department.");
  }
  if (is_ministry) return {};
  GIMS_TRY_ASSIGN(const auto parent, sql::first(sql, sql_of::UnitById{wanted.parent_id}));
  if (!parent) return no_such_unit();
  if (parent->level + 1 != std::to_underlying(wanted.kind)) {
    return wrong_state("A department is in a ministry, and a section in a department.");
  }
  return {};
}

Result<> check_unit_name(sql::Connection& sql, const UnitWanted& wanted, std::int64_t own_id) {
  const std::string key = folded(wanted.name);
  GIMS_TRY_ASSIGN(const auto other, sql::first(sql, sql_of::UnitByName{wanted.parent_id, key}));
  if (!other || other->unit_id == own_id) return {};
  return wrong_state("There is a unit of this name in the same place already.");
}

Result<Unit> add(store::Transaction& transaction, const UnitWanted& wanted, const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY(check_parent(sql, wanted));
  GIMS_TRY(check_unit_name(sql, wanted, 0));
  GIMS_TRY_ASSIGN(const auto count, sql::first(sql, sql_of::CountUnits{}));
  if (count->units >= Organisation::most_units) {
    return wrong_state("There are as many units as there may be. Remove some first.");
  }
  const std::string key = folded(wanted.name);
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(sql, sql_of::InsertUnit{.parent_id = wanted.parent_id,
                                                     .level = std::to_underlying(wanted.kind),
                                                     .name = wanted.name,
                                                     .name_hi = unless_empty(wanted.name_hi),
                                                     .name_key = key}));
  json::Writer detail;
  detail.begin_object().key("after");
  write(detail, wanted, wanted.parent_id);
  detail.end_object();
  GIMS_TRY(audit(transaction, actor, "organisation.unit_added", std::to_string(row->unit_id),
                 detail.text()));
  return Unit{.unit_id = row->unit_id,
              .parent_id = wanted.parent_id,
              .kind = wanted.kind,
              .name = wanted.name,
              .name_hi = owned(wanted.name_hi)};
}

// Its officers' ministry and department are those of the new place.
Result<> move_officers(sql::Connection& sql, std::int64_t unit_id, const UnitWanted& wanted) {
  if (wanted.kind == UnitKind::department) {
    return sql::run(sql, sql_of::MoveOfficersOfDepartment{unit_id, wanted.parent_id});
  }
  GIMS_TRY_ASSIGN(const auto department, sql::first(sql, sql_of::UnitById{wanted.parent_id}));
  if (!department) return no_such_unit();
  return sql::run(sql,
                  sql_of::MoveOfficersOfSection{unit_id, wanted.parent_id, department->parent_id});
}

Result<Unit> change(store::Transaction& transaction, std::int64_t unit_id, const UnitWanted& wanted,
                    const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto before, sql::first(sql, sql_of::UnitById{unit_id}));
  if (!before) return no_such_unit();
  if (before->level != std::to_underlying(wanted.kind)) {
    return wrong_state("A unit stays what it is; make another one of the other kind.");
  }
  GIMS_TRY(check_parent(sql, wanted));
  GIMS_TRY(check_unit_name(sql, wanted, unit_id));
  const std::string key = folded(wanted.name);
  GIMS_TRY(sql::run(sql, sql_of::ChangeUnit{.unit_id = unit_id,
                                            .parent_id = wanted.parent_id,
                                            .name = wanted.name,
                                            .name_hi = unless_empty(wanted.name_hi),
                                            .name_key = key}));
  if (before->parent_id != wanted.parent_id) GIMS_TRY(move_officers(sql, unit_id, wanted));
  json::Writer detail;
  detail.begin_object().key("after");
  write(detail, wanted, wanted.parent_id);
  detail.key("before");
  write(detail, *before, before->parent_id);
  detail.end_object();
  GIMS_TRY(audit(transaction, actor, "organisation.unit_changed", std::to_string(unit_id),
                 detail.text()));
  return Unit{.unit_id = unit_id,
              .parent_id = wanted.parent_id,
              .kind = wanted.kind,
              .name = wanted.name,
              .name_hi = owned(wanted.name_hi)};
}

struct Users {
  std::int64_t open;
};
Result<Users> officers_of(sql::Connection& sql, UnitKind kind, std::int64_t unit_id) {
  const auto counted = [](const auto& row) { return Users{.open = row ? row->officers : 0}; };
  if (kind == UnitKind::ministry) {
    return sql::first(sql, sql_of::OpenOfficersOfMinistry{unit_id}).transform(counted);
  }
  if (kind == UnitKind::department) {
    return sql::first(sql, sql_of::OpenOfficersOfDepartment{unit_id}).transform(counted);
  }
  return sql::first(sql, sql_of::OpenOfficersOfSection{unit_id}).transform(counted);
}

Result<> leave(sql::Connection& sql, UnitKind kind, std::int64_t unit_id) {
  if (kind == UnitKind::ministry) return sql::run(sql, sql_of::LeaveMinistry{unit_id});
  if (kind == UnitKind::department) return sql::run(sql, sql_of::LeaveDepartment{unit_id});
  return sql::run(sql, sql_of::LeaveSection{unit_id});
}

Result<> remove(store::Transaction& transaction, std::int64_t unit_id, const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto before, sql::first(sql, sql_of::UnitById{unit_id}));
  if (!before) return no_such_unit();
  const auto kind = static_cast<UnitKind>(before->level);
  GIMS_TRY_ASSIGN(const auto within, sql::first(sql, sql_of::CountUnitsIn{unit_id}));
  GIMS_TRY_ASSIGN(const Users officers, officers_of(sql, kind, unit_id));
  if (within->units > 0 || officers.open > 0) {
    return in_use("The unit has " + std::to_string(within->units) + " units and " +
                  std::to_string(officers.open) + " officers in it: move them first.");
  }
  GIMS_TRY(leave(sql, kind, unit_id));
  GIMS_TRY(sql::run(sql, sql_of::DeleteUnit{unit_id}));
  json::Writer detail;
  detail.begin_object().key("before");
  write(detail, *before, before->parent_id);
  detail.end_object();
  return audit(transaction, actor, "organisation.unit_removed", std::to_string(unit_id),
               detail.text());
}

Result<> check_designation_name(sql::Connection& sql, const DesignationWanted& wanted,
                                std::int64_t own_id) {
  const std::string key = folded(wanted.name);
  GIMS_TRY_ASSIGN(const auto other, sql::first(sql, sql_of::DesignationByName{key}));
  if (!other || other->designation_id == own_id) return {};
  return wrong_state("There is a designation of this name already.");
}

Designation made_of(std::int64_t designation_id, const DesignationWanted& wanted) {
  return {.designation_id = designation_id,
          .name = wanted.name,
          .name_hi = owned(wanted.name_hi),
          .rank = wanted.rank};
}

Result<Designation> add(store::Transaction& transaction, const DesignationWanted& wanted,
                        const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY(check_designation_name(sql, wanted, 0));
  GIMS_TRY_ASSIGN(const auto count, sql::first(sql, sql_of::CountDesignations{}));
  if (count->designations >= Organisation::most_designations) {
    return wrong_state("There are as many designations as there may be. Remove some first.");
  }
  const std::string key = folded(wanted.name);
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(sql, sql_of::InsertDesignation{.name = wanted.name,
                                                            .name_hi = unless_empty(wanted.name_hi),
                                                            .name_key = key,
                                                            .rank = wanted.rank}));
  json::Writer detail;
  detail.begin_object().key("after");
  write(detail, wanted, 0);
  detail.end_object();
  GIMS_TRY(audit(transaction, actor, "organisation.designation_added",
                 std::to_string(row->designation_id), detail.text()));
  return made_of(row->designation_id, wanted);
}

Result<Designation> change(store::Transaction& transaction, std::int64_t designation_id,
                           const DesignationWanted& wanted, const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto before, sql::first(sql, sql_of::DesignationById{designation_id}));
  if (!before) return no_such_designation();
  GIMS_TRY(check_designation_name(sql, wanted, designation_id));
  const std::string key = folded(wanted.name);
  GIMS_TRY(sql::run(sql, sql_of::ChangeDesignation{.designation_id = designation_id,
                                                   .name = wanted.name,
                                                   .name_hi = unless_empty(wanted.name_hi),
                                                   .name_key = key,
                                                   .rank = wanted.rank}));
  GIMS_TRY(sql::run(sql, sql_of::MakeOfficersStale{designation_id}));
  json::Writer detail;
  detail.begin_object().key("after");
  write(detail, wanted, 0);
  detail.key("before");
  write(detail, *before, 0);
  detail.end_object();
  GIMS_TRY(audit(transaction, actor, "organisation.designation_changed",
                 std::to_string(designation_id), detail.text()));
  return made_of(designation_id, wanted);
}

Result<> remove_title(store::Transaction& transaction, std::int64_t designation_id,
                      const Actor& actor) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto before, sql::first(sql, sql_of::DesignationById{designation_id}));
  if (!before) return no_such_designation();
  GIMS_TRY_ASSIGN(const auto open,
                  sql::first(sql, sql_of::OpenOfficersOfDesignation{designation_id}));
  if (open->officers > 0) {
    return in_use(std::to_string(open->officers) +
                  " officers have this designation: give them another one first.");
  }
  GIMS_TRY(sql::run(sql, sql_of::LeaveDesignation{designation_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeleteDesignation{designation_id}));
  json::Writer detail;
  detail.begin_object().key("before");
  write(detail, *before, 0);
  detail.end_object();
  return audit(transaction, actor, "organisation.designation_removed",
               std::to_string(designation_id), detail.text());
}

// How many officers are in each unit, with those of what is in it.
Result<std::map<std::int64_t, std::int64_t>> officers_by_unit(sql::Connection& sql) {
  std::map<std::int64_t, std::int64_t> officers;
  GIMS_TRY(sql::for_each(sql, sql_of::OfficersOfUnits{}, [&](const auto& row) {
    for (const auto& unit : {row.ministry_id, row.department_id, row.section_id}) {
      if (unit) officers[*unit] += row.officers;
    }
  }));
  return officers;
}

}  // namespace

std::string_view name_of(UnitKind kind) noexcept {
  switch (kind) {
    case UnitKind::ministry:
      return "ministry";
    case UnitKind::department:
      return "department";
    case UnitKind::section:
      return "section";
  }
  return "section";
}

Result<UnitKind> unit_kind_named(std::string_view name) {
  for (const UnitKind kind : {UnitKind::ministry, UnitKind::department, UnitKind::section}) {
    if (name_of(kind) == name) return kind;
  }
  return invalid_param("A unit is a ministry, a department or a section.");
}

Result<Organisation::Whole> Organisation::whole() {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  sql::Connection& sql = reader.sql();
  GIMS_TRY_ASSIGN(auto officers, officers_by_unit(sql));
  Whole whole;
  GIMS_TRY(sql::for_each(sql, sql_of::AllUnits{}, [&](const auto& row) {
    whole.units.push_back({.unit_id = row.unit_id,
                           .parent_id = row.parent_id,
                           .kind = static_cast<UnitKind>(row.level),
                           .name = std::string(row.name),
                           .name_hi = std::optional<std::string>(row.name_hi),
                           .officers = officers[row.unit_id]});
  }));
  std::ranges::stable_sort(whole.units, {}, &Unit::kind);
  std::map<std::int64_t, std::int64_t> with_title;
  GIMS_TRY(sql::for_each(sql, sql_of::OfficersOfDesignations{}, [&](const auto& row) {
    if (row.designation_id) with_title[*row.designation_id] = row.officers;
  }));
  GIMS_TRY(sql::for_each(sql, sql_of::AllDesignations{}, [&](const auto& row) {
    whole.designations.push_back({.designation_id = row.designation_id,
                                  .name = std::string(row.name),
                                  .name_hi = std::optional<std::string>(row.name_hi),
                                  .rank = row.rank,
                                  .officers = with_title[row.designation_id]});
  }));
  return whole;
}

void Organisation::add_unit(UnitWanted wanted, Actor actor,
                            std::move_only_function<void(Result<Unit>)> done) {
  if (auto fine = check_names(wanted); !fine) return done(pass(std::move(fine)));
  store_.writer().submit(
      [wanted = std::move(wanted), actor = std::move(actor)](store::Transaction& transaction) {
        return add(transaction, wanted, actor);
      },
      std::move(done));
}

void Organisation::change_unit(std::int64_t unit_id, UnitWanted wanted, Actor actor,
                               std::move_only_function<void(Result<Unit>)> done) {
  if (auto fine = check_names(wanted); !fine) return done(pass(std::move(fine)));
  store_.writer().submit(
      [unit_id, wanted = std::move(wanted), actor = std::move(actor)](
          store::Transaction& transaction) { return change(transaction, unit_id, wanted, actor); },
      std::move(done));
}

void Organisation::remove_unit(std::int64_t unit_id, Actor actor,
                               std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [unit_id, actor = std::move(actor)](store::Transaction& transaction) {
        return remove(transaction, unit_id, actor);
      },
      std::move(done));
}

void Organisation::add_designation(DesignationWanted wanted, Actor actor,
                                   std::move_only_function<void(Result<Designation>)> done) {
  if (auto fine = check_names(wanted); !fine) return done(pass(std::move(fine)));
  store_.writer().submit(
      [wanted = std::move(wanted), actor = std::move(actor)](store::Transaction& transaction) {
        return add(transaction, wanted, actor);
      },
      std::move(done));
}

void Organisation::change_designation(std::int64_t designation_id, DesignationWanted wanted,
                                      Actor actor,
                                      std::move_only_function<void(Result<Designation>)> done) {
  if (auto fine = check_names(wanted); !fine) return done(pass(std::move(fine)));
  store_.writer().submit(
      [designation_id, wanted = std::move(wanted),
       actor = std::move(actor)](store::Transaction& transaction) {
        return change(transaction, designation_id, wanted, actor);
      },
      std::move(done));
}

void Organisation::remove_designation(std::int64_t designation_id, Actor actor,
                                      std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [designation_id, actor = std::move(actor)](store::Transaction& transaction) {
        return remove_title(transaction, designation_id, actor);
      },
      std::move(done));
}

Result<UnitPath> Organisation::path_of(sql::Connection& sql, std::int64_t unit_id) {
  std::optional<std::int64_t> at[3];
  std::int64_t id = unit_id;
  while (id != 0) {
    GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::UnitById{id}));
    if (!row || row->level < 1 || row->level > 3) return no_such_unit();
    at[row->level - 1] = id;
    id = row->parent_id;
  }
  if (!at[0]) return no_such_unit();
  return UnitPath{.ministry_id = at[0], .department_id = at[1], .section_id = at[2]};
}

}  // namespace gims::service

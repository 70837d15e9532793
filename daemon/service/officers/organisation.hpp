// The organisation: a ministry has departments, a department has sections; designations are the
// same everywhere. An officer is in a unit and has a designation, either or both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "service/accounts/actor.hpp"
#include "store/store.hpp"

namespace gims::service {

enum class UnitKind : std::uint8_t { ministry = 1, department = 2, section = 3 };
[[nodiscard]] std::string_view name_of(UnitKind kind) noexcept;
// M_INVALID_PARAM
[[nodiscard]] Result<UnitKind> unit_kind_named(std::string_view name);

struct Unit {
  std::int64_t unit_id = 0;
  std::int64_t parent_id = 0;  // 0: none, of a ministry
  UnitKind kind = UnitKind::ministry;
  std::string name = {};
  std::optional<std::string> name_hi = {};
  std::int64_t officers = 0;  // in it and in what is in it; closed accounts do not count
};

struct Designation {
  std::int64_t designation_id = 0;
  std::string name = {};
  std::optional<std::string> name_hi = {};
  std::optional<std::int64_t> rank = {};
  std::int64_t officers = 0;
};

// What an administrator asks for; empty Devanagari names are none.
struct UnitWanted {
  UnitKind kind = UnitKind::ministry;
  std::int64_t parent_id = 0;
  std::string name = {};
  std::string name_hi = {};
};
struct DesignationWanted {
  std::string name = {};
  std::string name_hi = {};
  std::optional<std::int64_t> rank = {};
};

// The units that an officer of one is in: itself and those above.
struct UnitPath {
  std::optional<std::int64_t> ministry_id = {};
  std::optional<std::int64_t> department_id = {};
  std::optional<std::int64_t> section_id = {};
};

// Thread: any.
class Organisation {
 public:
  static constexpr std::int64_t most_units = 2000;
  static constexpr std::int64_t most_designations = 1000;
  static constexpr std::size_t longest_name = 128;  // characters

  explicit Organisation(store::Store& store) noexcept : store_(store) {}

  // In the order of names, which is the same in every language (folding.hpp); units level by level.
  struct Whole {
    std::vector<Unit> units;
    std::vector<Designation> designations;
  };
  [[nodiscard]] Result<Whole> whole();

  // M_INVALID_PARAM for a name that cannot be; M_NOT_FOUND for a parent that is not there;
  // GIMS_STATE where the parent is of another kind, the name is there already, or there are as many
  // as may be.
  void add_unit(UnitWanted wanted, Actor actor, std::move_only_function<void(Result<Unit>)> done);
  // Renames it, and moves it below another parent with all that is in it. Its kind stays.
  void change_unit(std::int64_t unit_id, UnitWanted wanted, Actor actor,
                   std::move_only_function<void(Result<Unit>)> done);
  // GIMS_IN_USE while officers or units are in it.
  void remove_unit(std::int64_t unit_id, Actor actor, std::move_only_function<void(Result<>)> done);

  void add_designation(DesignationWanted wanted, Actor actor,
                       std::move_only_function<void(Result<Designation>)> done);
  // What others see of its officers follows within seconds (Officers::refresh_some).
  void change_designation(std::int64_t designation_id, DesignationWanted wanted, Actor actor,
                          std::move_only_function<void(Result<Designation>)> done);
  void remove_designation(std::int64_t designation_id, Actor actor,
                          std::move_only_function<void(Result<>)> done);

  // M_NOT_FOUND. Part of an operation, or of a reader.
  [[nodiscard]] static Result<UnitPath> path_of(sql::Connection& sql, std::int64_t unit_id);

 private:
  store::Store& store_;
};

}  // namespace gims::service

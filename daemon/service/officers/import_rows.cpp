#include "service/officers/import_rows.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/utf8.hpp"
#include "service/officers/csv.hpp"
#include "service/officers/folding.hpp"
#include "service/officers/names.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/organisation.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

enum class Column : std::uint8_t {
  localpart,
  display_name,
  unit,
  ministry,
  department,
  section,
  designation,
  employee_id,
  phone,
};
constexpr std::size_t column_count = 9;

struct Heading {
  Column column;
  std::string_view name;
};
// Folded. The first of each is what the answer calls it.
constexpr std::array headings{
    Heading{Column::localpart, "localpart"},
    Heading{Column::localpart, "user name"},
    Heading{Column::localpart, "username"},
    Heading{Column::localpart, "user"},
    Heading{Column::localpart, "login"},
    Heading{Column::localpart, "उपयोगकर्ता नाम"},
    Heading{Column::localpart, "उपयोगकर्ता"},
    Heading{Column::display_name, "display_name"},
    Heading{Column::display_name, "display name"},
    Heading{Column::display_name, "name"},
    Heading{Column::display_name, "full name"},
    Heading{Column::display_name, "नाम"},
    Heading{Column::display_name, "पूरा नाम"},
    Heading{Column::unit, "unit"},
    Heading{Column::unit, "office"},
    Heading{Column::unit, "इकाई"},
    Heading{Column::unit, "कार्यालय"},
    Heading{Column::ministry, "ministry"},
    Heading{Column::ministry, "मंत्रालय"},
    Heading{Column::department, "department"},
    Heading{Column::department, "विभाग"},
    Heading{Column::section, "section"},
    Heading{Column::section, "अनुभाग"},
    Heading{Column::designation, "designation"},
    Heading{Column::designation, "post"},
    Heading{Column::designation, "पदनाम"},
    Heading{Column::designation, "पद"},
    Heading{Column::employee_id, "employee_id"},
    Heading{Column::employee_id, "employee id"},
    Heading{Column::employee_id, "employee no"},
    Heading{Column::employee_id, "कर्मचारी संख्या"},
    Heading{Column::phone, "phone"},
    Heading{Column::phone, "mobile"},
    Heading{Column::phone, "फोन"},
    Heading{Column::phone, "फ़ोन"},
    Heading{Column::phone, "मोबाइल"},
};

constexpr std::size_t shown_value = 128;  // bytes of a value that an error repeats
constexpr std::size_t shown_field = 256;
constexpr std::size_t most_errors = 8;  // of a row
constexpr std::string_view save_as_utf8 =
    "Save the file as \"CSV UTF-8\" in the spreadsheet, and take that one.";

std::string_view name_of(Column column) {
  return std::ranges::find(headings, column, &Heading::column)->name;
}

using Places = std::array<std::optional<std::size_t>, column_count>;

std::size_t index_of(Column column) { return std::to_underlying(column); }

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_IMPORT", text);
}

Result<Places> places_of(const std::vector<std::string>& head) {
  Places places;
  for (std::size_t place = 0; place < head.size(); ++place) {
    if (!is_utf8(head[place])) {
      return refused("The first row cannot be read. " + std::string(save_as_utf8));
    }
    const std::string name = folded(head[place]);
    const auto* const found = std::ranges::find_if(
        headings, [&](const Heading& heading) { return folded(heading.name) == name; });
    if (found == headings.end()) continue;
    auto& at = places[index_of(found->column)];
    if (at) {
      return refused("Two columns are called " + std::string(name_of(found->column)) +
                     ". Take one of them out.");
    }
    at = place;
  }
  for (const Column needed : {Column::localpart, Column::display_name}) {
    if (places[index_of(needed)]) continue;
    return refused("There is no column " + std::string(name_of(needed)) +
                   ". The first row names the columns: localpart, display_name, unit (or ministry, "
                   "department, section), designation, employee_id, phone.");
  }
  return places;
}

std::string shown(std::string_view value, std::size_t most) {
  return is_utf8(value) ? std::string(cut_utf8(value, most)) : std::string();
}

// Question marks, where letters were that a file in an old encoding cannot hold.
bool lost_letters(std::string_view value) {
  return value.contains("??") && value.find_first_not_of("? .,-()/") == std::string_view::npos;
}

// What the file is held against.
struct Site {
  const Users& users;
  sql::Connection& sql;
  std::map<std::string, std::int64_t> units;  // by the folded path, levels parted by '/'
  // Of the last part alone; 0: several have this name.
  std::map<std::string, std::int64_t> units_by_name;
  std::map<std::string, std::int64_t> designations;
};

Result<Site> read_site(const Users& users, sql::Connection& sql) {
  Site site{.users = users, .sql = sql, .units = {}, .units_by_name = {}, .designations = {}};
  GIMS_TRY_ASSIGN(const auto units, sql::all(sql, sql_of::AllUnits{}));
  // Each in every mixture of its languages: eight ways at most, as there are three levels.
  std::map<std::int64_t, std::vector<std::string>> paths{{0, {""}}};
  for (std::int64_t level = 1; level <= 3; ++level) {
    for (const auto& unit : units) {
      if (unit.level != level) continue;
      for (const auto& name : {std::optional(unit.name), unit.name_hi}) {
        if (!name) continue;
        const std::string key = folded(*name);
        for (const std::string& above : paths[unit.parent_id]) {
          site.units.emplace(above + key, unit.unit_id);
          paths[unit.unit_id].push_back(above + key + "/");
        }
        const auto [known, is_new] = site.units_by_name.emplace(key, unit.unit_id);
        if (!is_new && known->second != unit.unit_id) known->second = 0;
      }
    }
  }
  GIMS_TRY(sql::for_each(sql, sql_of::AllDesignations{}, [&](const auto& row) {
    site.designations.emplace(folded(row.name), row.designation_id);
    if (row.name_hi) site.designations.emplace(folded(*row.name_hi), row.designation_id);
  }));
  return site;
}

class RowReader {
 public:
  RowReader(const CsvRow& row, const Places& places, Site& site)
      : row_(row), places_(places), site_(site) {
    made_.row = row.number;
  }

  Result<ImportRow> read() {
    made_.localpart = shown(field(Column::localpart), shown_field);
    made_.display_name = shown(field(Column::display_name), shown_field);
    made_.unit = shown(unit_text(), shown_field);
    made_.designation = shown(field(Column::designation), shown_field);
    if (row_.is_torn) {
      add("GIMS_ROW_COLUMNS", {},
          "Text stands behind a closing quotation mark. Double the marks that belong to the text.");
    } else if (readable()) {
      GIMS_TRY(read_account());
      read_name();
      read_unit();
      read_designation();
      read_rest();
    }
    return std::move(made_);
  }

 private:
  [[nodiscard]] std::string_view field(Column column) const {
    const auto place = places_[index_of(column)];
    return place && *place < row_.fields.size() ? std::string_view(row_.fields[*place])
                                                : std::string_view();
  }

  void add(std::string_view errcode, std::optional<Column> column, std::string error) {
    if (made_.errors.size() == most_errors) return;
    made_.errors.push_back({.row = row_.number,
                            .errcode = std::string(errcode),
                            .error = std::move(error),
                            .column = column ? std::string(name_of(*column)) : std::string(),
                            .value = column ? shown(field(*column), shown_value) : std::string()});
  }

  bool readable() {
    for (std::size_t i = 0; i < column_count; ++i) {
      const auto column = static_cast<Column>(i);
      const std::string_view value = field(column);
      if (!is_utf8(value)) {
        add("GIMS_ROW_ENCODING", column,
            "The letters cannot be read. " + std::string(save_as_utf8));
      } else if (lost_letters(value)) {
        add("GIMS_ROW_ENCODING", column,
            "There are question marks in the place of letters: the file was saved in a form that "
            "cannot hold them. " +
                std::string(save_as_utf8));
      }
    }
    return made_.errors.empty();
  }

  Result<> read_account() {
    const std::string name = registered_localpart(field(Column::localpart));
    if (name.empty()) {
      add("GIMS_ROW_EMPTY", Column::localpart, "The user name is missing: write one.");
      return {};
    }
    auto id = site_.users.new_id(name);
    if (!id || name.starts_with('@')) {
      add("GIMS_ROW_NAME", Column::localpart,
          "A user name has a to z, 0 to 9 and . _ = / + - in it: take other letters, blanks and "
          "the server's name out.");
      return {};
    }
    made_.user_id = std::move(*id);
    GIMS_TRY_ASSIGN(const auto taken, sql::first(site_.sql, sql_of::UserIsTaken{made_.user_id}));
    if (taken) {
      add("GIMS_ROW_TAKEN", Column::localpart,
          "An account has this user name, or had it: choose another, or take the row out.");
    }
    return {};
  }

  void read_name() {
    const std::string_view name = field(Column::display_name);
    if (name.empty()) {
      add("GIMS_ROW_EMPTY", Column::display_name, "The officer's name is missing: write it.");
      return;
    }
    made_.officer.name = std::string(name);
    check(Column::display_name, name, Officers::longest_name);
  }

  void check(Column column, std::string_view value, std::size_t most) {
    if (characters_in(value) > most) {
      add("GIMS_ROW_LONG", column,
          "It has more than " + std::to_string(most) + " characters: shorten it.");
    } else if (const auto fine = check_name(value, name_of(column), most); !fine) {
      add("GIMS_ROW_NAME", column, "There is a line break or a sign in it that cannot be seen.");
    }
  }

  // Of three columns, or of the one.
  [[nodiscard]] std::string unit_text() const {
    if (!field(Column::unit).empty()) return std::string(field(Column::unit));
    std::string text;
    for (const Column level : {Column::ministry, Column::department, Column::section}) {
      if (field(level).empty()) continue;
      if (!text.empty()) text += " / ";
      text += field(level);
    }
    return text;
  }

  [[nodiscard]] Column unit_column() const {
    return places_[index_of(Column::unit)] ? Column::unit : Column::ministry;
  }

  void read_unit() {
    const std::string text = unit_text();
    if (text.empty()) return;
    std::string path;
    std::size_t parts = 0;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('/', at), text.size());
      if (parts++ > 0) path += '/';
      path += folded(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
    if (const auto found = site_.units.find(path); found != site_.units.end()) {
      made_.officer.unit_id = found->second;
      return;
    }
    const auto found = site_.units_by_name.find(parts == 1 ? path : std::string());
    if (found == site_.units_by_name.end()) {
      add("GIMS_ROW_UNIT", unit_column(),
          "There is no such unit. Make it in the organisation first, or write it as it is called "
          "there: ministry / department / section.");
    } else if (found->second == 0) {
      add("GIMS_ROW_UNIT", unit_column(),
          "Several units have this name. Write the whole way: ministry / department / section.");
    } else {
      made_.officer.unit_id = found->second;
    }
  }

  void read_designation() {
    const std::string key = folded(field(Column::designation));
    if (key.empty()) return;
    if (const auto found = site_.designations.find(key); found != site_.designations.end()) {
      made_.officer.designation_id = found->second;
      return;
    }
    add("GIMS_ROW_DESIGNATION", Column::designation,
        "There is no such designation. Make it in the organisation first, or write it as it is "
        "called there.");
  }

  void read_rest() {
    if (const auto value = field(Column::employee_id); !value.empty()) {
      check(Column::employee_id, value, Officers::longest_employee_id);
      made_.officer.employee_id = std::string(value);
    }
    if (const auto value = field(Column::phone); !value.empty()) {
      check(Column::phone, value, Officers::longest_phone);
      made_.officer.phone = std::string(value);
    }
  }

  const CsvRow& row_;
  const Places& places_;
  Site& site_;
  ImportRow made_;
};

// A user name that stands in the file twice is wrong each time: nobody but the administrator knows
// which of them is meant.
void find_twice(std::vector<ImportRow>& rows) {
  std::map<std::string_view, std::vector<ImportRow*>> by_id;
  for (ImportRow& row : rows) {
    if (!row.user_id.empty()) by_id[row.user_id].push_back(&row);
  }
  for (const auto& [id, same] : by_id) {
    if (same.size() < 2) continue;
    for (ImportRow* row : same) {
      const ImportRow* other = same.front() == row ? same[1] : same.front();
      if (row->errors.size() == most_errors) continue;
      row->errors.push_back(
          {.row = row->row,
           .errcode = "GIMS_ROW_TWICE",
           .error = "Row " + std::to_string(other->row) +
                    " has the same user name: give one of them another, or take it out.",
           .column = std::string(name_of(Column::localpart)),
           .value = shown(row->localpart, shown_value)});
    }
  }
}

}  // namespace

Result<ImportedFile> read_import(std::string_view bytes, const Users& users, sql::Connection& sql) {
  GIMS_TRY_ASSIGN(const CsvTable table, parse_csv(bytes));
  GIMS_TRY_ASSIGN(const Places places, places_of(table.head));
  GIMS_TRY_ASSIGN(Site site, read_site(users, sql));
  ImportedFile file;
  for (std::size_t i = 0; i < column_count; ++i) {
    if (places[i]) file.columns.emplace_back(name_of(static_cast<Column>(i)));
  }
  file.rows.reserve(table.rows.size());
  for (const CsvRow& row : table.rows) {
    GIMS_TRY_ASSIGN(ImportRow made, RowReader(row, places, site).read());
    file.rows.push_back(std::move(made));
  }
  find_twice(file.rows);
  return file;
}

}  // namespace gims::service

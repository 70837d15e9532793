// What a row of an imported file asks for, and what is wrong with it, in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "service/officers/officers.hpp"
#include "sql/connection.hpp"

namespace gims::service {

struct ImportError {
  std::int64_t row = 0;
  std::string errcode;  // GIMS_ROW_...
  std::string error;    // what is wrong, and how to mend it
  std::string column;   // empty: the whole row
  std::string value;    // as it stands there, cut; empty where it cannot be shown
};

struct ImportRow {
  std::int64_t row = 0;
  // As they stand in the file, cut to what a page shows; empty where they cannot be shown.
  std::string localpart;
  std::string display_name;
  std::string unit;
  std::string designation;
  std::vector<ImportError> errors;
  // What is made of it, where there is no error.
  std::string user_id;
  OfficerChange officer;
};

struct ImportedFile {
  std::vector<std::string> columns;  // those that were understood
  std::vector<ImportRow> rows;
};

// Reads the file and holds it against itself and what the database has. `sql` is a reader's.
// GIMS_IMPORT where it is no such file.
[[nodiscard]] Result<ImportedFile> read_import(std::string_view bytes, const Users& users,
                                               sql::Connection& sql);

}  // namespace gims::service

// Tables as offices export them: comma-separated values (RFC 4180) in UTF-8, with a byte order mark
// or without; with semicolons or tabs, as some settings of a region write them; and "Unicode text"
// of spreadsheets, which is UTF-16 with tabs. Pure; hostile bytes come in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gims::service {

inline constexpr std::size_t largest_csv = std::size_t{4} << 20U;  // bytes
inline constexpr std::size_t most_csv_rows = 10'000;               // without the first
inline constexpr std::size_t most_csv_columns = 32;

struct CsvRow {
  std::int64_t number = 0;  // as a spreadsheet counts: the first of all is 1
  // Without blanks at their ends. Bytes that are not UTF-8 stay as they were.
  std::vector<std::string> fields;
  // Something follows a quoted field before its delimiter.
  bool is_torn = false;
};

struct CsvTable {
  std::vector<std::string> head;  // the first row that is not empty
  std::vector<CsvRow> rows;       // without those that are empty
};

// GIMS_IMPORT, with what to do: too large, no row, a quotation mark that is never closed, text that
// is neither UTF-8 nor UTF-16 as a whole (a spreadsheet file itself, say), too many rows or
// columns.
[[nodiscard]] Result<CsvTable> parse_csv(std::string_view bytes);

}  // namespace gims::service

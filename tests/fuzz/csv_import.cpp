// A list of officers that somebody uploads: whatever it is, it is a bounded table or refused in
// words.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "base/utf8.hpp"
#include "service/officers/csv.hpp"
#include "service/officers/folding.hpp"
#include "service/officers/names.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::service;  // NOLINT(google-build-using-namespace)
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto table = parse_csv(bytes);
  if (!table) {
    GIMS_CHECK(table.error().code == "GIMS_IMPORT" && !table.error().text.empty());
    return 0;
  }
  GIMS_CHECK(!table->head.empty() && table->head.size() <= most_csv_columns);
  GIMS_CHECK(table->rows.size() <= most_csv_rows);
  std::int64_t before = 0;
  for (const CsvRow& row : table->rows) {
    GIMS_CHECK(row.number > before && row.fields.size() <= most_csv_columns);
    before = row.number;
    for (const std::string& field : row.fields) {
      if (!gims::is_utf8(field)) continue;
      const std::string key = folded(field);
      GIMS_CHECK(gims::is_utf8(key) && folded(key) == key);
      for (const std::string& term : terms_of(field)) {
        GIMS_CHECK(gims::is_utf8(term) && term.size() <= longest_term);
      }
      static_cast<void>(check_name(field, "name", 128));
    }
  }
  return 0;
}

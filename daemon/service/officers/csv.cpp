#include "service/officers/csv.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/utf8.hpp"

namespace gims::service {
namespace {

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_IMPORT", text);
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | ((c >> shift) & 0x3fU)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0U | (c >> 6U)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0U | (c >> 12U)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0U | (c >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

enum class Order : std::uint8_t { little, big };

// Without the mark. Nothing: not UTF-16.
std::optional<std::string> from_utf16(std::string_view bytes, Order order) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t at) {
    const auto low = static_cast<unsigned char>(bytes[at + (order == Order::big ? 1 : 0)]);
    const auto high = static_cast<unsigned char>(bytes[at + (order == Order::big ? 0 : 1)]);
    return static_cast<char32_t>((static_cast<unsigned>(high) << 8U) | low);
  };
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    char32_t c = unit(at);
    if (c >= 0xdc00 && c <= 0xdfff) return std::nullopt;
    if (c >= 0xd800 && c <= 0xdbff) {
      at += 2;
      if (at >= bytes.size()) return std::nullopt;
      const char32_t low = unit(at);
      if (low < 0xdc00 || low > 0xdfff) return std::nullopt;
      c = 0x10000 + ((c - 0xd800) << 10U) + (low - 0xdc00);
    }
    append_utf8(out, c);
  }
  return out;
}

Result<std::string> decoded(std::string_view bytes) {
  if (bytes.size() > largest_csv) return refused("The file has more than 4 MiB: split it.");
  // A workbook is an archive (or, of old programs, a compound file).
  if (bytes.starts_with("PK\x03\x04") || bytes.starts_with("\xd0\xcf\x11\xe0")) {
    return refused(
        "This is a spreadsheet's own file. Save it as \"CSV UTF-8\" in the spreadsheet, and take "
        "that file.");
  }
  std::optional<std::string> text;
  if (bytes.starts_with("\xff\xfe")) {
    text = from_utf16(bytes.substr(2), Order::little);
  } else if (bytes.starts_with("\xfe\xff")) {
    text = from_utf16(bytes.substr(2), Order::big);
  } else {
    if (bytes.starts_with(utf8_mark)) bytes.remove_prefix(utf8_mark.size());
    text = std::string(bytes);
  }
  if (!text || text->contains('\0')) {
    return refused("This is no text. Save the list as \"CSV UTF-8\" in the spreadsheet.");
  }
  return std::move(*text);
}

// What stands most often outside of quotation marks in the first row.
char delimiter_of(std::string_view text) {
  constexpr std::array candidates{',', ';', '\t'};
  std::array<std::size_t, candidates.size()> counts{};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') {
      if (std::ranges::max(counts) > 0) break;
      continue;
    }
    const auto found = std::ranges::find(candidates, c);
    if (found != candidates.end()) ++counts[static_cast<std::size_t>(found - candidates.begin())];
  }
  const auto most = std::ranges::max_element(counts);
  return candidates[static_cast<std::size_t>(most - counts.begin())];
}

std::string trimmed(std::string field) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t last = field.find_last_not_of(blanks);
  if (last == std::string::npos) return {};
  field.resize(last + 1);
  field.erase(0, field.find_first_not_of(blanks));
  return field;
}

// Reads row after row. Each byte is looked at once.
class Reader {
 public:
  Reader(std::string_view text, char delimiter) noexcept : text_(text), delimiter_(delimiter) {}

  [[nodiscard]] bool at_end() const noexcept { return at_ >= text_.size(); }

  Result<CsvRow> row() {
    CsvRow row{.number = ++number_, .fields = {}, .is_torn = false};
    for (;;) {
      GIMS_TRY_ASSIGN(std::string field, next_field(row));
      row.fields.push_back(trimmed(std::move(field)));
      if (row.fields.size() > most_csv_columns) {
        return refused("Row " + std::to_string(row.number) +
                       " has more than 32 columns. Take the columns out that are not wanted.");
      }
      if (at_end()) return row;
      const char c = text_[at_++];
      if (c == delimiter_) continue;
      if (c == '\r' && !at_end() && text_[at_] == '\n') ++at_;
      return row;
    }
  }

 private:
  [[nodiscard]] bool ends_field(char c) const noexcept {
    return c == delimiter_ || c == '\n' || c == '\r';
  }

  Result<std::string> next_field(CsvRow& row) {
    std::string field;
    if (!at_end() && text_[at_] == '"') {
      ++at_;
      if (!take_quoted(field)) {
        return refused("A quotation mark in row " + std::to_string(row.number) +
                       " is never closed. Close it, or double it where it belongs to the text.");
      }
      if (!at_end() && !ends_field(text_[at_])) row.is_torn = true;
    }
    while (!at_end() && !ends_field(text_[at_])) field.push_back(text_[at_++]);
    return field;
  }

  // Behind the first mark; ends behind the last one.
  bool take_quoted(std::string& field) {
    while (!at_end()) {
      const char c = text_[at_++];
      if (c != '"') {
        field.push_back(c);
      } else if (!at_end() && text_[at_] == '"') {
        field.push_back('"');
        ++at_;
      } else {
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
  std::int64_t number_ = 0;
};

bool is_empty(const CsvRow& row) {
  return std::ranges::all_of(row.fields, [](const std::string& field) { return field.empty(); });
}

}  // namespace

Result<CsvTable> parse_csv(std::string_view bytes) {
  GIMS_TRY_ASSIGN(const std::string text, decoded(bytes));
  Reader reader(text, delimiter_of(text));
  CsvTable table;
  while (!reader.at_end()) {
    GIMS_TRY_ASSIGN(CsvRow row, reader.row());
    if (is_empty(row)) continue;
    if (table.head.empty()) {
      table.head = std::move(row.fields);
      continue;
    }
    if (table.rows.size() == most_csv_rows) {
      return refused("The file has more than 10,000 rows: split it.");
    }
    table.rows.push_back(std::move(row));
  }
  if (table.head.empty()) return refused("The file is empty.");
  return table;
}

}  // namespace gims::service

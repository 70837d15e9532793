#include "ctl/table.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace gims::ctl {
namespace {

constexpr std::size_t gap = 2;

// Code points: near enough to columns for names and ids.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string amount(std::int64_t large, const char* unit, std::int64_t small, const char* part) {
  return std::to_string(large) + " " + unit + " " + std::to_string(small) + " " + part;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are C2 80 to C2 9F.
    const bool c1 =
        byte == 0xC2U && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0U;
    if (byte < 0x20U || byte == 0x7FU || c1) {
      out.push_back('?');
      if (c1) ++i;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string time_text(Millis ts) {
  const std::time_t seconds = ts / 1000;
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(ts);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), length};
}

std::string duration_text(std::int64_t seconds) {
  constexpr std::int64_t minute = 60;
  constexpr std::int64_t hour = 60 * minute;
  constexpr std::int64_t day = 24 * hour;
  if (seconds >= day) return amount(seconds / day, "d", seconds % day / hour, "h");
  if (seconds >= hour) return amount(seconds / hour, "h", seconds % hour / minute, "min");
  if (seconds >= minute) return amount(seconds / minute, "min", seconds % minute, "s");
  return std::to_string(seconds) + " s";
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows_) {
    auto& made = cells.emplace_back();
    for (const std::string& cell : row) {
      made.push_back(printable(cell));
      if (widths.size() < made.size()) widths.push_back(0);
      std::size_t& widest = widths[made.size() - 1];
      widest = std::max(widest, width(made.back()));
    }
  }
  std::string out;
  for (const auto& row : cells) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + gap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace gims::ctl

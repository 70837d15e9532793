// Text for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace gims::ctl {

// What others wrote (names, user agents) must not steer the terminal: control characters (C0, DEL
// and C1) become '?'.
[[nodiscard]] std::string printable(std::string_view text);

// "2026-11-23 09:30:00 UTC"
[[nodiscard]] std::string time_text(Millis ts);
// "3 d 4 h", "4 h 5 min", "5 min 6 s", "6 s"
[[nodiscard]] std::string duration_text(std::int64_t seconds);

// Rows of cells in aligned columns, a head first. Cells are made printable.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace gims::ctl

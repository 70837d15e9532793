// One act of the unit, by root: what the administrator at an appliance's console asks for at the
// act's socket (docs/hardening.md, "Acts of the unit").
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "ctl/unit_answer.hpp"

namespace gims::ctl {

inline constexpr std::size_t most_act_values = 16;
inline constexpr std::size_t longest_act_line = 512;  // of what is asked

struct Act {
  std::string name;                                         // "update"
  std::vector<std::pair<std::string, std::string>> values;  // "to", "report"
  // The longest time without a word of it.
  std::chrono::seconds patience{60};
};

// Fails: bad_input, where the values cannot be written; `unavailable`, where the act does not
// answer, is at work already, or ended without saying how. The act itself goes on when this ends.
[[nodiscard]] Result<Acted> act_on_unit(const std::string& folder, const Act& act,
                                        const ShowLine& show);

}  // namespace gims::ctl

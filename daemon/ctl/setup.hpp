// gimsctl setup: asks an administrator at a new unit's console what its site is, step by step, and
// then makes it: the networks and names by acts of the unit, the keys by gims-keyd.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ctl/console.hpp"
#include "ctl/unit_client.hpp"

namespace gims::ctl {

inline constexpr std::size_t longest_answer = 255;

struct SetupSurroundings {
  // A line that is typed; nothing at the end of the input.
  std::function<std::optional<std::string>()> line;
  std::function<void(std::string_view)> say;
  // The kernel's own console has no letters but Latin ones: then all is English.
  bool devanagari = false;
  std::function<Result<Acted>(const Act& act, const ShowLine& show)> act;
  // Can the file be read?
  std::function<bool(const std::string& file)> readable;
  // Runs gims-keyd at the same terminal: did it succeed?
  std::function<bool(const Started&)> start;
  // Waits until the unit serves: does it?
  std::function<bool()> serves;
};

enum class SetupEnd : std::uint8_t { made, left, failed };

// Until the site is made or the administrator leaves. What was answered is kept nowhere: before the
// last question nothing is written.
[[nodiscard]] SetupEnd run_setup(const SetupSurroundings& surroundings);

// At this process's terminal: is the site made?
[[nodiscard]] bool run_setup_here(const std::string& gimsd_socket, const std::string& acts);

}  // namespace gims::ctl

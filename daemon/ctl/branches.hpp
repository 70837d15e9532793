// How commands are added to gimsctl's grammar.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <utility>

#include "ctl/commands.hpp"

namespace gims::ctl {

using Run = std::function<Result<Outcome>()>;

// A word with commands below it.
[[nodiscard]] inline CLI::App& add_group(CLI::App& above, const std::string& name,
                                         const std::string& about) {
  CLI::App* const made = above.add_subcommand(name, about);
  made->require_subcommand(1);
  made->fallthrough();
  return *made;
}

// A command. Where it is parsed, `chosen` is `run`; both outlive the parsing.
inline CLI::App& add_leaf(CLI::App& above, const std::string& name, const std::string& about,
                          Run run, Run& chosen) {
  CLI::App* const made = above.add_subcommand(name, about);
  made->fallthrough();
  made->callback([&chosen, run = std::move(run)] { chosen = run; });
  return *made;
}

}  // namespace gims::ctl

// The words of gimsctl attest.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "ctl/attest_commands.hpp"

namespace gims::ctl {

// Adds the command to `app`; when it is parsed, `chosen` is what it does. All that it is given, and
// this itself, lives until the app has parsed.
class AttestGrammar {
 public:
  using Run = std::function<Result<Outcome>()>;
  AttestGrammar(CLI::App& app, AttestArguments& with, const AttestCommands& commands, Run& chosen);

 private:
  CLI::App& leaf(const std::string& name, const std::string& about, Run run);
  void out(CLI::App& command);
  void evidence(CLI::App& command);
  void manifest(CLI::App& command);

  AttestArguments& with_;
  Run& chosen_;
  CLI::App* attest_ = nullptr;  // the app's
};

}  // namespace gims::ctl

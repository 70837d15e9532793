// gimsctl unit …: acts of the unit that only root can do, asked for at an appliance's console.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "ctl/alarms.hpp"
#include "ctl/commands.hpp"

namespace gims::ctl {

struct UnitArguments {
  std::string folder = "/run/gims/acts";  // of the acts' sockets
  std::string alarms{alarms_file};
  bool check = false;
  bool far = false;  // a jump of the clock
  std::string time;
  std::string to;     // the bundle's name
  bool list = false;  // what the bundle would have
  std::string erase;  // the unit's name
};

// Adds the commands to `app`; when one is parsed, `chosen` is what it does. All that it is given,
// and this itself, lives until that was done.
class UnitCommands {
 public:
  using Run = std::function<Result<Outcome>()>;
  UnitCommands(CLI::App& app, UnitArguments& with, const bool& json,
               const Surroundings& surroundings, Run& chosen);

 private:
  CLI::App& leaf(const std::string& name, const std::string& about, Run run);
  [[nodiscard]] Result<Outcome> act(const Act& act) const;
  // For the person at the terminal, before the act.
  void note(std::string_view text) const;
  [[nodiscard]] Result<Outcome> clock() const;
  [[nodiscard]] Result<Outcome> update() const;
  [[nodiscard]] Result<Outcome> alarms() const;
  [[nodiscard]] Result<Outcome> diagnostics() const;
  [[nodiscard]] Result<Outcome> reset() const;
  [[nodiscard]] Result<Outcome> power(const std::string& how) const;

  UnitArguments& with_;
  const bool& json_;
  const Surroundings& surroundings_;
  Run& chosen_;
  CLI::App* unit_ = nullptr;  // the app's
};

}  // namespace gims::ctl

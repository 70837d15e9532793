// gimsctl room, report: what rooms there are, and what officers reported.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "ctl/branches.hpp"
#include "ctl/questions.hpp"

namespace gims::ctl {

struct RoomArguments {
  std::string room;
  std::string find;
  std::string reason;
  std::string report;
  std::string note;
  bool open = false;
};

// As OfficerCommands.
class RoomCommands {
 public:
  RoomCommands(CLI::App& app, RoomArguments& with, const std::string& socket, const bool& json,
               const Surroundings& surroundings, Run& chosen);

 private:
  CLI::App& leaf(CLI::App& above, const std::string& name, const std::string& about, Run run);
  CLI::App& of_room(CLI::App& above, const std::string& name, const std::string& about, Run run);
  [[nodiscard]] Result<Outcome> shut() const;
  [[nodiscard]] Result<Outcome> close() const;
  [[nodiscard]] std::string room_path() const;

  RoomArguments& with_;
  Questions gimsd_;
  Run& chosen_;
};

}  // namespace gims::ctl

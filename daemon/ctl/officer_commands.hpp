// gimsctl officer, org, slip, device: who the site's officers are, and with what they come.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ctl/branches.hpp"
#include "ctl/questions.hpp"
#include "json/writer.hpp"

namespace gims::ctl {

struct OfficerArguments {
  std::string user;
  std::optional<std::string> display_name;
  std::optional<std::string> employee_id;
  std::optional<std::string> phone;
  std::optional<std::string> unit;
  std::optional<std::string> designation;
  std::string find;
  std::string state;
  std::string clearance;
  std::string reason;
  std::string file;
  bool commit = false;
  bool skip_bad = false;
  bool for_good = false;
  std::int64_t hours = 168;
  std::string device;
  // Of the organisation, and slips.
  std::string id;
  std::string name;
  std::string name_hi;
  std::string kind;
  std::string parent;
  std::optional<std::int64_t> rank;
};

// Adds the commands to `app`; when one is parsed, `chosen` is what it does. All that it is given,
// and this itself, lives until that was done.
class OfficerCommands {
 public:
  OfficerCommands(CLI::App& app, OfficerArguments& with, const std::string& socket,
                  const bool& json, const Surroundings& surroundings, Run& chosen);

 private:
  CLI::App& leaf(CLI::App& above, const std::string& name, const std::string& about, Run run);
  CLI::App& of_user(CLI::App& above, const std::string& name, const std::string& about, Run run);
  void officers(CLI::App& above);
  void organisation(CLI::App& above);
  void slips(CLI::App& above);
  void devices(CLI::App& above);
  void with_place(CLI::App& command);

  [[nodiscard]] Result<Outcome> add() const;
  [[nodiscard]] Result<Outcome> change() const;
  [[nodiscard]] Result<Outcome> list() const;
  [[nodiscard]] Result<Outcome> act(const std::string& name, std::string_view done) const;
  [[nodiscard]] Result<Outcome> reset() const;
  [[nodiscard]] Result<Outcome> set_clearance() const;
  [[nodiscard]] Result<Outcome> make_slip(std::string_view done) const;
  [[nodiscard]] Result<Outcome> import() const;
  [[nodiscard]] Result<Outcome> commit(const json::Document& preview) const;
  [[nodiscard]] Result<Outcome> change_part(const std::string& path, const std::string& list,
                                            const std::string& id) const;
  [[nodiscard]] Result<Outcome> list_devices() const;
  [[nodiscard]] Result<Outcome> act_on_device(const std::string& act, std::string_view done) const;

  // What an administrator writes of an officer, into an object that is open.
  void write_place(json::Writer& out) const;
  [[nodiscard]] std::string user_path() const;
  [[nodiscard]] std::string device_path() const;
  [[nodiscard]] Redacted reason_body() const;

  OfficerArguments& with_;
  Questions gimsd_;
  Run& chosen_;
};

}  // namespace gims::ctl

// The subcommands and options about administrators who decide by twos.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "hsm/main/approvals.hpp"

namespace gims::hsm {

// Its options write into it, so it stays where it is while the command line is read.
class Decisions {
 public:
  explicit Decisions(CLI::App& app);
  Decisions(const Decisions&) = delete;
  Decisions& operator=(const Decisions&) = delete;
  ~Decisions() = default;

  // For a ceremony that says who the administrators are.
  void name_administrators(CLI::App& ceremony);
  // The list that they make; empty: none was named.
  [[nodiscard]] Result<Bytes> named(const std::string& server_name) const;

  using Run = std::function<Result<>(const Settings&)>;
  // Nothing where the command line has another subcommand.
  [[nodiscard]] const Run& chosen() const noexcept { return chosen_; }

 private:
  void proposals(CLI::App& above);
  CLI::App& leaf(CLI::App& above, const std::string& name, const std::string& about, Run run);
  void with_means(CLI::App& command);
  void with_roles(CLI::App& command);

  consent::Means means_;
  std::vector<std::string> administrators_;
  std::vector<std::string> security_officers_;
  std::vector<std::string> auditors_;
  std::string domain_;
  std::string subject_;  // a user, or an administrator
  std::string roles_ = "administrator";
  std::uint32_t id_ = 0;
  bool files_only_ = false;
  Run chosen_;
};

}  // namespace gims::hsm

// The subcommands of gims-release-policy. Each gives what to print, or why not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace gims::hsm::release {

struct SignArguments {
  std::string key_file;
  std::uint64_t number = 0;
  std::vector<std::string> boots;  // "NAME=DIGEST IN HEX"
  std::string out_file;
};
[[nodiscard]] Result<std::string> run_sign(const SignArguments& arguments);
[[nodiscard]] Result<std::string> run_show(const std::string& policy_file);
[[nodiscard]] Result<std::string> run_public_key(const std::string& key_file);

}  // namespace gims::hsm::release

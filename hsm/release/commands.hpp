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

struct ManifestArguments {
  std::string key_file;
  std::uint64_t number = 0;
  std::string name;
  // "PCR:NAME=DIGEST,DIGEST…": values that the PCR may hold ("none": nothing is measured there);
  // one event of it, in the order in which they are measured.
  std::vector<std::string> values;
  std::vector<std::string> events;
  std::vector<std::string> sections;  // "NAME=FILE" of the unified kernel image
  std::vector<std::string> phases;    // after them
  std::string out_file;
};
[[nodiscard]] Result<std::string> run_manifest(const ManifestArguments& arguments);
[[nodiscard]] Result<std::string> run_show(const std::string& policy_file);
[[nodiscard]] Result<std::string> run_public_key(const std::string& key_file);

}  // namespace gims::hsm::release

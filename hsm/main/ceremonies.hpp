// The ceremonies that an administrator holds at the command line.
#pragma once

#include <string>
#include <vector>

#include "hsm/main/settings.hpp"
#include "hsm/main/share_scheme.hpp"

namespace gims::hsm {

// Where shares come from and go to; empty: the terminal, one after the other.
struct ShareArguments {
  std::string from;  // a file with the shares of the quorum
  std::string to;    // a file for the new ones, which are then not typed again
};

// As the command line gives them.
struct ProvisionArguments {
  std::string server_name;
  std::string organisation;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;
  std::string dev_root_key_file;         // 32 bytes; empty: none
  std::string dev_recovery_secret_file;  // likewise
  bool replace = false;
  Bytes administrators;  // approvals.hpp
};

// Each asks the gims-keyd that runs, tells on stdout what was done, and ends the ceremony where it
// fails.
[[nodiscard]] Result<> run_provision(const Settings& settings, const ProvisionArguments& arguments,
                                     const SchemeArguments& scheme, const ShareArguments& shares);
[[nodiscard]] Result<> run_reshare(const Settings& settings, const SchemeArguments& scheme,
                                   const std::string& dev_recovery_secret_file,
                                   const ShareArguments& shares);
// `file`: the recovery file; empty: the one in the state folder.
// `administrators`: who may approve; empty: as custody.bin says, if it is there.
[[nodiscard]] Result<> run_recover(const Settings& settings, const std::string& file, bool replace,
                                   Bytes administrators, const ShareArguments& shares);
[[nodiscard]] Result<> run_name_administrators(const Settings& settings, Bytes administrators,
                                               const ShareArguments& shares);
[[nodiscard]] Result<> run_accept_older(const Settings& settings, const ShareArguments& shares);
[[nodiscard]] Result<> run_renew_ca(const Settings& settings, const ShareArguments& shares);
[[nodiscard]] Result<> run_abort_ceremony(const Settings& settings);
[[nodiscard]] Result<> run_recovery_file(const Settings& settings, const std::string& out);

}  // namespace gims::hsm

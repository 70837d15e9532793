// The commands of administrators who decide by twos (docs/protocol-keyd.md, "Two persons").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hsm/approval/change.hpp"
#include "hsm/consent/consent.hpp"
#include "hsm/main/settings.hpp"

namespace gims::hsm {

// An administrator as the command line gives them: "NAME=FILE", where the file is a public key
// (PEM) or a registration that a WebAuthn client wrote (JSON).
struct NamedKey {
  std::string text;
  approval::Roles roles;
};
// Fails (bad_input, GIMS_KEYD_REQUEST) and names the argument or file that is wrong. `domain`: what
// a credential is for.
[[nodiscard]] Result<approval::Administrator> administrator_of(const NamedKey& named,
                                                               const std::string& domain);
// The list of a new site.
[[nodiscard]] Result<Bytes> list_of(const std::vector<NamedKey>& named, const std::string& domain);

// Each asks the gims-keyd that runs and tells on stdout what was done or is waited for. With
// `means` the proposal is approved at once by the one who makes it.
[[nodiscard]] Result<> run_propose(const Settings& settings, const ProposeRequest& request,
                                   const consent::Means& means);
[[nodiscard]] Result<> run_propose_change(const Settings& settings, const approval::Change& change,
                                          const consent::Means& means);
// `domain`: what a credential is for; empty: the site's server name.
[[nodiscard]] Result<> run_propose_add(const Settings& settings, const NamedKey& named,
                                       std::string domain, const consent::Means& means);
[[nodiscard]] Result<> run_approve(const Settings& settings, std::uint32_t id,
                                   const consent::Means& means);
[[nodiscard]] Result<> run_withdraw(const Settings& settings, std::uint32_t id);
[[nodiscard]] Result<> run_approvals(const Settings& settings);
[[nodiscard]] Result<> run_administrators(const Settings& settings);

// "administrator,auditor". Fails (bad_input, GIMS_KEYD_REQUEST).
[[nodiscard]] Result<approval::Roles> roles_named(const std::string& text);

}  // namespace gims::hsm

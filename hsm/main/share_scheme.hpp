// How many shares there are and are needed, as the command line says it, and how far a quorum is,
// as a person reads it.
#pragma once

#include <string>
#include <vector>

#include "hsm/proto/ceremony_messages.hpp"

namespace gims::hsm {

// As the command line gives it: either one "3/5", or groups of them.
struct SchemeArguments {
  std::string shares = "3/5";
  std::vector<std::string> groups;  // "2/3" each; empty: `shares` alone
  unsigned groups_needed = 0;       // 0: all
};
// Fails (bad_input, GIMS_KEYD_REQUEST) with what is allowed.
[[nodiscard]] Result<ShareScheme> scheme_of(const SchemeArguments& arguments);

// "group 1: 2 of 3 shares; group 3: complete; 1 more group is needed"
[[nodiscard]] std::string progress_of(const CeremonyReply& now);

}  // namespace gims::hsm

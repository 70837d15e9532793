// What gimsctl does with its arguments.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "ctl/admin_client.hpp"
#include "ctl/transfer.hpp"
#include "ctl/unit_client.hpp"
#include "hsm/consent/consent.hpp"
#include "hsm/proto/attest_messages.hpp"

namespace gims::ctl {

enum class Exit : int {
  ok = 0,
  refused = 1,      // by gimsd, gims-keyd or the unit; or what was checked is not as it should be
  usage = 2,        // arguments or the password on standard input
  not_reached = 3,  // gimsd, gims-keyd or an act of the unit gave no answer
};

// What lies outside of the program, for tests to replace.
struct Surroundings {
  std::function<Result<Reply>(const std::string& socket, const Question& question)> ask;
  std::function<Result<Redacted>()> password;
  // gims-keyd, for what takes two administrators (decide.hpp).
  std::function<Result<hsm::consent::Said>(const std::string& socket,
                                           const hsm::ProposeRequest& request,
                                           const hsm::consent::Means& means)>
      decide{};
  // Shows how far a long command is; an empty text ends that. Nothing where nobody looks.
  std::function<void(std::string_view)> progress{};
  // Of another machine.
  std::function<Result<Transferred>(const Transfer& request)> fetch{};
  // Has gims-keyd open a credential (hsm/proto/attest_messages.hpp).
  std::function<Result<SecretBytes>(const std::string& keyd_socket,
                                    const hsm::ActivateRequest& request)>
      activate{};
  // An act of the unit (unit_client.hpp).
  std::function<Result<Acted>(const std::string& folder, const Act& act, const ShowLine& show)>
      act{};
  // Writes a line to standard output at once.
  ShowLine show{};
  // Asks what the site is, at this process's terminal, and makes it (setup.hpp): is it made?
  std::function<bool(const std::string& gimsd_socket, const std::string& acts)> setup{};
};

struct Outcome {
  Exit exit = Exit::ok;
  std::string out;  // for standard output
  std::string err;  // for standard error
};

[[nodiscard]] Outcome run(int argc, const char* const* argv, const Surroundings& surroundings);

}  // namespace gims::ctl

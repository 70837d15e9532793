// Passwords come in by standard input, never by an argument or the environment, which other
// processes can read.
#pragma once

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::ctl {

// On a terminal: asks twice, without echo. Otherwise: all of the input, which must be one line; its
// end is left out. bad_input with a text for the person.
[[nodiscard]] Result<Redacted> read_password(int input);

// The passphrase of a key's file: on a terminal it is asked for once.
[[nodiscard]] Result<Redacted> read_passphrase(int input);

}  // namespace gims::ctl

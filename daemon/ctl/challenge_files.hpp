// The three files by which another machine sees that a unit's attestation key is in the TPM of its
// endorsement key: what it gives to the unit, what it keeps, and the unit's answer. JSON, each with
// "version":1. bad_input for anything else.
#pragma once

#include <string>

#include "hsm/attest/verify.hpp"

namespace gims::ctl {

// {"credential","encrypted_secret"}: base64.
[[nodiscard]] std::string challenge_text(const hsm::ActivateRequest& request);
[[nodiscard]] Result<hsm::ActivateRequest> read_challenge(const std::string& file);

// {"attestation_key","endorsement_key","secret"}: hex; for its owner alone, since who knows the
// secret needs no TPM to answer.
[[nodiscard]] Result<> write_kept(const std::string& file, const hsm::attest::Activation& kept);

// {"secret"}: hex.
[[nodiscard]] std::string answer_text(const SecretBytes& secret);
// What was kept, with the answer to it.
[[nodiscard]] Result<hsm::attest::Activation> read_activation(const std::string& kept_file,
                                                              const std::string& answer_file);

}  // namespace gims::ctl

// Whether what was started is what a release has.
#pragma once

#include <array>

#include "hsm/attest/event_log.hpp"
#include "hsm/attest/report.hpp"
#include "hsm/release/manifest.hpp"

namespace gims::hsm::attest {

// `pcrs`: as a TPM signed them. Says of each PCR that the manifest names whether it is as released,
// and of each component that is not, its name; of the others, that they were not judged.
void check_boot(const release::Manifest& manifest,
                const std::array<PcrValue, quoted_pcr_count>& pcrs, const MeasuredEvents& log,
                Report& report);

}  // namespace gims::hsm::attest

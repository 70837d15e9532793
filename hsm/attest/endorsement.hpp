// Who made the TPM: the certificate of its endorsement key (TCG EK Credential Profile).
#pragma once

#include <string>
#include <vector>

#include "hsm/attest/structures.hpp"

namespace gims::hsm::attest {

// Certificates of TPM makers and of what they signed: DER or PEM, each a file's content. Fails
// (bad_input, GIMS_ATTEST) for one that is none, with its place in the list.
//
// Says whether `certificate` is of `key`, and leads to one of the roots. An empty text: it is and
// does; else why not. `now` is not asked for: makers' certificates end and their TPMs go on.
[[nodiscard]] Result<std::string> check_endorsement(BytesView certificate, const PublicKey& key,
                                                    const std::vector<Bytes>& roots);

}  // namespace gims::hsm::attest

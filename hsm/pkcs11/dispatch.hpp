// From a frame of gims-keyd's to the vault's answer.
#pragma once

#include "hsm/core/vault.hpp"
#include "hsm/proto/answer.hpp"

namespace gims::hsm::pkcs11 {

// Never fails: what goes wrong is a refusal. `room` holds max_frame_size bytes.
[[nodiscard]] Answer answer(Vault& vault, BytesView message, std::span<std::uint8_t> room);

}  // namespace gims::hsm::pkcs11

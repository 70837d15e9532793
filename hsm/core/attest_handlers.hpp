// Rows of dispatch.cpp: what the hardware states.
#pragma once

#include "hsm/core/custodian.hpp"

namespace gims::hsm {

[[nodiscard]] Result<> handle_attest(Custodian& custodian, BytesView body, Writer& reply);
[[nodiscard]] Result<> handle_activate(Custodian& custodian, BytesView body, Writer& reply);
[[nodiscard]] Result<> handle_certify_audit(Custodian& custodian, BytesView body, Writer& reply);
[[nodiscard]] Result<> handle_event_log(Custodian& custodian, BytesView body, Writer& reply);

}  // namespace gims::hsm

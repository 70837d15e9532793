#include "hsm/tpm2/way.hpp"

namespace gims::hsm::tpm2 {

void set_up(TSS2_TCTI_CONTEXT_COMMON_V2& tcti, std::uint64_t magic, TSS2_TCTI_TRANSMIT_FCN transmit,
            TSS2_TCTI_RECEIVE_FCN receive) noexcept {
  TSS2_TCTI_CONTEXT_COMMON_V1& common = tcti.v1;
  common.magic = magic;
  common.version = 2;
  common.transmit = transmit;
  common.receive = receive;
  common.finalize = [](TSS2_TCTI_CONTEXT*) {};
  common.cancel = [](TSS2_TCTI_CONTEXT*) -> TSS2_RC { return TSS2_TCTI_RC_NOT_IMPLEMENTED; };
  common.getPollHandles = [](TSS2_TCTI_CONTEXT*, TSS2_TCTI_POLL_HANDLE*, size_t*) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
  common.setLocality = [](TSS2_TCTI_CONTEXT*, uint8_t) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
  tcti.makeSticky = [](TSS2_TCTI_CONTEXT*, TPM2_HANDLE*, uint8_t) -> TSS2_RC {
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
  };
}

}  // namespace gims::hsm::tpm2

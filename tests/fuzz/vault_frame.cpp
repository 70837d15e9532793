// The frames between gims-keyd and gims-pkcs11d, the body of each request and reply, and the blob
// that the custody file holds for an HSM. Whatever a decoder takes, the encoder writes as the same
// bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/messages.hpp"

namespace {

using namespace gims::hsm;          // NOLINT(google-build-using-namespace)
using namespace gims::hsm::pkcs11;  // NOLINT(google-build-using-namespace)

}  // namespace

#include "one_form.hpp"  // here: it is to find the encode() of both

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView message(data, size);
  if (const auto frame = decode_frame(message, vault_operations); frame) {
    GIMS_CHECK(frame->body.size() + header_size == size);
  }
  // The first byte chooses, so that bodies are reached without a good header, too.
  if (size == 0) return 0;
  const BytesView body = message.subspan(1);
  switch (data[0] % 12) {
    case 0:
      same_again(body, decode_info(body));
      break;
    case 1:
      same_again(body, decode_provision_keys(body));
      break;
    case 2:
      same_again(body, decode_sealed(body));
      break;
    case 3:
      same_again(body, decode_opened(body));
      break;
    case 4:
      same_again(body, decode_sign_digest(body));
      break;
    case 5:
      same_again(body, decode_signature(body));
      break;
    case 6:
      same_again(body, decode_destruction(body));
      break;
    case 7:
      if (const auto blob = decode_blob_only(body); blob) GIMS_CHECK(!blob->empty());
      break;
    case 8:
      if (decode_number(body)) GIMS_CHECK(body.size() == sizeof(std::uint64_t));
      break;
    case 9:
      if (const auto blob = decode_blob(body); blob) {
        GIMS_CHECK(std::ranges::equal(encode(*blob), body));
      }
      break;
    case 10:
      same_again(body, decode_reseal_keys(body));
      break;
    case 11:
      same_again(body, decode_events_to_sign(body));
      break;
    default:
      break;
  }
  return 0;
}

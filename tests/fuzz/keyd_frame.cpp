// The frames of gims-keyd and the body of each request and reply. Whatever a decoder takes, the
// encoder writes as the same bytes: there is one form of each message.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/frame.hpp"
#include "hsm/proto/messages.hpp"
#include "one_form.hpp"

namespace {

using namespace gims::hsm;  // NOLINT(google-build-using-namespace)

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView message(data, size);
  if (const auto frame = decode_frame(message); frame) {
    GIMS_CHECK(frame->body.size() + header_size == size);
  }
  // The first byte chooses, so that bodies are reached without a good header, too.
  if (size == 0) return 0;
  const BytesView body = message.subspan(1);
  switch (data[0] % 19) {
    case 0:
      same_again(body, decode_refusal(body));
      break;
    case 1:
      same_again(body, decode_site(body));
      break;
    case 2:
      same_again(body, decode_status(body));
      break;
    case 3:
      same_again(body, decode_provision(body));
      break;
    case 4:
      same_again(body, decode_leaf_request(body));
      break;
    case 5:
      same_again(body, decode_leaf(body));
      break;
    case 6:
      same_again(body, decode_site_root(body));
      break;
    case 7:
      same_again(body, decode_data_keys(body));
      break;
    case 8:
      same_again(body, decode_server_key(body));
      break;
    case 9:
      same_again(body, decode_audit_head(body));
      break;
    case 10:
      if (const auto events = decode_events(body); events) {
        GIMS_CHECK(events->size() <= max_events);
      }
      break;
    case 11:
      same_again(body, decode_zeroize_request(body));
      break;
    case 12:
      same_again(body, decode_zeroize(body));
      break;
    case 13:
      same_again(body, decode_attest_request(body));
      break;
    case 14:
      same_again(body, decode_attest(body));
      break;
    case 15:
      same_again(body, decode_activate_request(body));
      break;
    case 16:
      same_again(body, decode_audit_certificate(body));
      break;
    case 17:
      same_again(body, decode_event_log_request(body));
      break;
    case 18:
      same_again(body, decode_event_log(body));
      break;
    default:
      break;
  }
  return 0;
}

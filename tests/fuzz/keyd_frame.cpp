// The frames of gims-keyd and the body of each request and reply. Whatever a decoder takes, the
// encoder writes as the same bytes: there is one form of each message.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/proto/approval_messages.hpp"
#include "hsm/proto/attendance_messages.hpp"
#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "hsm/proto/device_messages.hpp"
#include "hsm/proto/frame.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/proto/service_messages.hpp"
#include "hsm/proto/unit_messages.hpp"
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
  switch (data[0] % 54) {
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
      same_again(body, decode_ceremony_request(body));
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
      same_again(body, decode_store_mark(body));
      break;
    case 14:
      same_again(body, decode_ceremony(body));
      break;
    case 15:
      same_again(body, decode_give(body));
      break;
    case 16:
      same_again(body, decode_share_request(body));
      break;
    case 17:
      same_again(body, decode_confirm(body));
      break;
    case 18:
      same_again(body, decode_finish_request(body));
      break;
    case 19:
      same_again(body, decode_finish(body));
      break;
    case 20:
      same_again(body, decode_recovery_file(body));
      break;
    case 21:
      same_again(body, decode_crl(body));
      break;
    case 22:
      same_again(body, decode_crl_request(body));
      break;
    case 23:
      same_again(body, decode_device_request(body));
      break;
    case 24:
      same_again(body, decode_device(body));
      break;
    case 25:
      same_again(body, decode_revoke(body));
      break;
    case 26:
      same_again(body, decode_attest_request(body));
      break;
    case 27:
      same_again(body, decode_attest(body));
      break;
    case 28:
      same_again(body, decode_activate_request(body));
      break;
    case 29:
      same_again(body, decode_audit_certificate(body));
      break;
    case 30:
      same_again(body, decode_event_log_request(body));
      break;
    case 31:
      same_again(body, decode_event_log(body));
      break;
    case 32:
      same_again(body, decode_propose(body));
      break;
    case 33:
      same_again(body, decode_proposal(body));
      break;
    case 34:
      same_again(body, decode_proposals(body));
      break;
    case 35:
      same_again(body, decode_approve_request(body));
      break;
    case 36:
      same_again(body, decode_approve(body));
      break;
    case 37:
      same_again(body, decode_withdraw(body));
      break;
    case 38:
      same_again(body, decode_redeem_request(body));
      break;
    case 39:
      same_again(body, decode_redeem(body));
      break;
    case 40:
      same_again(body, decode_administrators(body));
      break;
    case 41:
      same_again(body, decode_acts_request(body));
      break;
    case 42:
      same_again(body, decode_acts(body));
      break;
    case 43:
      same_again(body, decode_persons(body));
      break;
    case 44:
      same_again(body, decode_person_key(body));
      break;
    case 45:
      same_again(body, decode_add_person(body));
      break;
    case 46:
      same_again(body, decode_volume_key(body));
      break;
    case 47:
      same_again(body, decode_release(body));
      break;
    case 48:
      same_again(body, decode_relay_secret(body));
      break;
    case 49:
      same_again(body, decode_wifi_passphrase(body));
      break;
    case 50:
      same_again(body, decode_service_request(body));
      break;
    case 51:
      same_again(body, decode_service(body));
      break;
    case 52:
      same_again(body, decode_wifi_request(body));
      break;
    case 53:
      same_again(body, decode_issuing_cas(body));
      break;
    default:
      break;
  }
  return 0;
}

#include "hsm/core/attest_handlers.hpp"

namespace gims::hsm {

Result<> handle_attest(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const AttestRequest request, decode_attest_request(body));
  GIMS_TRY_ASSIGN(const AttestReply stated, custodian.attest(request.nonce));
  encode(reply, stated);
  return {};
}

Result<> handle_activate(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const ActivateRequest request, decode_activate_request(body));
  GIMS_TRY_ASSIGN(const SecretBytes secret, custodian.activate(request));
  encode_activated(reply, secret);
  return {};
}

Result<> handle_certify_audit(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY(decode_nothing(body));
  GIMS_TRY_ASSIGN(const AuditCertificate certificate, custodian.certify_audit());
  encode(reply, certificate);
  return {};
}

Result<> handle_event_log(Custodian& custodian, BytesView body, Writer& reply) {
  GIMS_TRY_ASSIGN(const EventLogRequest request, decode_event_log_request(body));
  GIMS_TRY_ASSIGN(const EventLogReply part, custodian.event_log(request));
  encode(reply, part);
  return {};
}

}  // namespace gims::hsm

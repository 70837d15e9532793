#include "hsm/proto/attest_messages.hpp"

#include <utility>

#include "hsm/proto/body.hpp"

namespace gims::hsm {
namespace {

void write_statement(Writer& writer, const TpmStatement& statement) {
  writer.bytes(statement.attest);
  writer.raw(statement.signature);
}

TpmStatement read_statement(Reader& reader) {
  TpmStatement statement;
  statement.attest = copy(reader.bytes(max_tpm_attest));
  read_fixed(reader, statement.signature);
  return statement;
}

AuditHead read_head(Reader& reader) {
  AuditHead head;
  head.sequence = reader.u64();
  read_fixed(reader, head.hash);
  return head;
}

}  // namespace

void encode(Writer& writer, const AttestRequest& value) { writer.raw(value.nonce); }

Result<AttestRequest> decode_attest_request(BytesView body) {
  Reader reader(body);
  AttestRequest request;
  read_fixed(reader, request.nonce);
  return finished(reader, request);
}

void encode(Writer& writer, const AttestReply& value) {
  writer.bytes(value.attestation_key);
  writer.bytes(value.endorsement_key);
  writer.bytes(value.endorsement_certificate);
  write_statement(writer, value.quote);
  for (const PcrValue& pcr : value.pcrs) writer.raw(pcr);
  encode(writer, value.audit_head);
  write_statement(writer, value.counter);
  write_statement(writer, value.release);
  writer.u64(value.running_release);
}

Result<AttestReply> decode_attest(BytesView body) {
  Reader reader(body);
  AttestReply reply;
  reply.attestation_key = copy(reader.bytes(max_tpm_public));
  reply.endorsement_key = copy(reader.bytes(max_tpm_public));
  reply.endorsement_certificate = copy(reader.bytes(max_endorsement_certificate));
  reply.quote = read_statement(reader);
  for (PcrValue& pcr : reply.pcrs) read_fixed(reader, pcr);
  reply.audit_head = read_head(reader);
  reply.counter = read_statement(reader);
  reply.release = read_statement(reader);
  reply.running_release = reader.u64();
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const ActivateRequest& value) {
  writer.bytes(value.credential);
  writer.bytes(value.encrypted_secret);
}

Result<ActivateRequest> decode_activate_request(BytesView body) {
  Reader reader(body);
  ActivateRequest request;
  request.credential = copy(reader.bytes(max_credential));
  request.encrypted_secret = copy(reader.bytes(max_credential));
  return finished(reader, std::move(request));
}

void encode_activated(Writer& writer, const SecretBytes& secret) { writer.bytes(secret.bytes()); }

Result<SecretBytes> decode_activated(BytesView body) {
  Reader reader(body);
  const BytesView secret = reader.bytes(max_activated);
  GIMS_TRY_ASSIGN(SecretBytes copied, SecretBytes::copy_of(secret));
  return finished(reader, std::move(copied));
}

void encode(Writer& writer, const AuditCertificate& value) {
  encode(writer, value.head);
  writer.bytes(value.attestation_key);
  write_statement(writer, value.counter);
}

Result<AuditCertificate> decode_audit_certificate(BytesView body) {
  Reader reader(body);
  AuditCertificate certificate;
  certificate.head = read_head(reader);
  certificate.attestation_key = copy(reader.bytes(max_tpm_public));
  certificate.counter = read_statement(reader);
  return finished(reader, std::move(certificate));
}

void encode(Writer& writer, const EventLogRequest& value) {
  writer.u8(static_cast<std::uint8_t>(value.log));
  writer.u32(value.offset);
}

Result<EventLogRequest> decode_event_log_request(BytesView body) {
  Reader reader(body);
  EventLogRequest request;
  const std::uint8_t log = reader.u8();
  if (log < 1 || log > static_cast<std::uint8_t>(EventLog::userspace)) {
    reader.refuse();
  } else {
    request.log = static_cast<EventLog>(log);
  }
  request.offset = reader.u32();
  if (request.offset >= max_event_log) reader.refuse();
  return finished(reader, request);
}

void encode(Writer& writer, const EventLogReply& value) { writer.bytes(value.part); }

Result<EventLogReply> decode_event_log(BytesView body) {
  Reader reader(body);
  EventLogReply reply;
  reply.part = copy(reader.bytes(max_event_log_part));
  return finished(reader, std::move(reply));
}

}  // namespace gims::hsm

#include "hsm/pkcs11/messages.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "hsm/proto/body.hpp"

namespace gims::hsm::pkcs11 {
namespace {

BytesView read_blob(Reader& reader) {
  const BytesView blob = reader.bytes(max_vault_blob);
  if (blob.empty()) reader.refuse();
  return blob;
}

}  // namespace

void encode(Writer& writer, const Vault::Info& value) {
  writer.text(value.description);
  write_flag(writer, value.software);
}

Result<Vault::Info> decode_info(BytesView body) {
  Reader reader(body);
  Vault::Info info;
  info.description = reader.text(max_text);
  info.software = read_flag(reader);
  return finished(reader, std::move(info));
}

void encode(Writer& writer, const ProvisionKeys& value) {
  writer.raw(value.root_key.bytes());
  write_flag(writer, value.replace);
}

Result<ProvisionKeys> decode_provision_keys(BytesView body) {
  Reader reader(body);
  ProvisionKeys request;
  const BytesView key = reader.raw(key_size);
  request.replace = read_flag(reader);
  if (!reader.finish()) return bad_body();
  GIMS_TRY_ASSIGN(request.root_key, SecretBytes::copy_of(key));
  return request;
}

void encode(Writer& writer, const ResealKeys& value) {
  writer.raw(value.root_key.bytes());
  writer.bytes(value.blob);
}

Result<ResealKeys> decode_reseal_keys(BytesView body) {
  Reader reader(body);
  ResealKeys request;
  const BytesView key = reader.raw(key_size);
  request.blob = read_blob(reader);
  if (!reader.finish()) return bad_body();
  GIMS_TRY_ASSIGN(request.root_key, SecretBytes::copy_of(key));
  return request;
}

void encode(Writer& writer, const Vault::Sealed& value) {
  writer.bytes(value.blob);
  writer.raw(value.ca_public);
  writer.raw(value.attestation_public);
  write_optional(writer, value.server_public);
}

Result<Vault::Sealed> decode_sealed(BytesView body) {
  Reader reader(body);
  Vault::Sealed sealed;
  const BytesView blob = read_blob(reader);
  sealed.blob.assign(blob.begin(), blob.end());
  read_fixed(reader, sealed.ca_public);
  read_fixed(reader, sealed.attestation_public);
  read_optional(reader, sealed.server_public);
  return finished(reader, std::move(sealed));
}

void encode(Writer& writer, const Vault::Opened& value) {
  writer.raw(value.root_key.bytes());
  writer.raw(value.ca_public);
  writer.raw(value.attestation_public);
  write_optional(writer, value.server_public);
}

Result<Vault::Opened> decode_opened(BytesView body) {
  Reader reader(body);
  Vault::Opened opened;
  const BytesView key = reader.raw(key_size);
  read_fixed(reader, opened.ca_public);
  read_fixed(reader, opened.attestation_public);
  read_optional(reader, opened.server_public);
  if (!reader.finish()) return bad_body();
  GIMS_TRY_ASSIGN(opened.root_key, SecretBytes::copy_of(key));
  return opened;
}

void encode(Writer& writer, const SignDigest& value) {
  writer.bytes(value.blob);
  writer.u8(static_cast<std::uint8_t>(value.use));
  writer.raw(value.digest);
}

Result<SignDigest> decode_sign_digest(BytesView body) {
  Reader reader(body);
  SignDigest request;
  request.blob = read_blob(reader);
  const std::uint8_t use = reader.u8();
  if (use < 1 || use > 2) {
    reader.refuse();
  } else {
    request.use = static_cast<KeyUse>(use);
  }
  read_fixed(reader, request.digest);
  return finished(reader, request);
}

void encode(Writer& writer, const P256Signature& value) {
  writer.raw(value.r);
  writer.raw(value.s);
}

Result<P256Signature> decode_signature(BytesView body) {
  Reader reader(body);
  P256Signature signature;
  read_fixed(reader, signature.r);
  read_fixed(reader, signature.s);
  return finished(reader, signature);
}

void encode(Writer& writer, const EventsToSign& value) {
  writer.bytes(value.blob);
  encode(writer, std::span<const BytesView>(value.events));
}

Result<EventsToSign> decode_events_to_sign(BytesView body) {
  Reader reader(body);
  EventsToSign request;
  request.blob = read_blob(reader);
  if (!reader.good()) return bad_body();
  GIMS_TRY_ASSIGN(request.events,
                  decode_events(body.subspan(sizeof(std::uint32_t) + request.blob.size())));
  return request;
}

void encode(Writer& writer, Vault::Destruction value) {
  writer.u8(static_cast<std::uint8_t>(value));
}

Result<Vault::Destruction> decode_destruction(BytesView body) {
  Reader reader(body);
  const bool nothing = read_flag(reader);
  return finished(reader, nothing ? Vault::Destruction::nothing_there : Vault::Destruction::done);
}

void encode_blob(Writer& writer, BytesView blob) { writer.bytes(blob); }

Result<BytesView> decode_blob_only(BytesView body) {
  Reader reader(body);
  const BytesView blob = read_blob(reader);
  return finished(reader, blob);
}

void encode_number(Writer& writer, std::uint64_t value) { writer.u64(value); }

Result<std::uint64_t> decode_number(BytesView body) {
  Reader reader(body);
  const std::uint64_t value = reader.u64();
  return finished(reader, value);
}

}  // namespace gims::hsm::pkcs11

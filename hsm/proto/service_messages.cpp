#include "hsm/proto/service_messages.hpp"

#include <utility>

#include "hsm/proto/fields.hpp"

namespace gims::hsm {

std::string_view name_of(Service service) noexcept {
  switch (service) {
    case Service::push:
      return "push";
    case Service::wifi:
      return "wifi";
  }
  return "unknown";
}

void encode(Writer& writer, const RelaySecret& value) {
  writer.text(value.realm);
  writer.raw(value.secret.bytes());
  write_optional(writer, value.address);
}

Result<RelaySecret> decode_relay_secret(BytesView body) {
  Reader reader(body);
  RelaySecret relay;
  relay.realm = reader.text(max_name);
  GIMS_TRY_ASSIGN(relay.secret, SecretBytes::copy_of(reader.raw(key_size)));
  read_optional(reader, relay.address);
  return finished(reader, std::move(relay));
}

void encode(Writer& writer, const WifiRequest& value) { writer.u32(value.number); }

Result<WifiRequest> decode_wifi_request(BytesView body) {
  Reader reader(body);
  const WifiRequest request{.number = reader.u32()};
  if (request.number < 1 || request.number > max_wifi_passphrase) reader.refuse();
  return finished(reader, request);
}

void encode(Writer& writer, const WifiPassphrase& value) {
  writer.text(value.server_name);
  writer.raw(value.passphrase.bytes());
}

Result<WifiPassphrase> decode_wifi_passphrase(BytesView body) {
  Reader reader(body);
  WifiPassphrase wifi;
  wifi.server_name = reader.text(max_name);
  GIMS_TRY_ASSIGN(wifi.passphrase, SecretBytes::copy_of(reader.raw(wifi_passphrase_size)));
  return finished(reader, std::move(wifi));
}

void encode(Writer& writer, const ServiceRequest& value) {
  writer.u8(static_cast<std::uint8_t>(value.service));
  writer.bytes(value.public_key);
}

Result<ServiceRequest> decode_service_request(BytesView body) {
  Reader reader(body);
  ServiceRequest request;
  const std::uint8_t service = reader.u8();
  if (service < 1 || service > last_service) reader.refuse();
  request.service = static_cast<Service>(service);
  request.public_key = copy(reader.bytes(max_public_key));
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const ServiceReply& value) {
  writer.text(value.name);
  write_chain(writer, value.chain);
  writer.u64(static_cast<std::uint64_t>(value.not_after));
}

Result<ServiceReply> decode_service(BytesView body) {
  Reader reader(body);
  ServiceReply reply;
  reply.name = reader.text(max_name);
  reply.chain = read_chain(reader);
  reply.not_after = static_cast<std::int64_t>(reader.u64());
  return finished(reader, std::move(reply));
}

}  // namespace gims::hsm

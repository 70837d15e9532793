#include "hsm/proto/service_messages.hpp"

#include <utility>

#include "hsm/proto/fields.hpp"

namespace gims::hsm {

std::string host_of(Service service, std::string_view server_name) {
  return (service == Service::push ? "push." : "wifi.") + std::string(server_name);
}

void encode(Writer& writer, const RelaySecret& value) {
  writer.text(value.realm);
  writer.raw(value.secret.bytes());
}

Result<RelaySecret> decode_relay_secret(BytesView body) {
  Reader reader(body);
  RelaySecret relay;
  relay.realm = reader.text(max_name);
  GIMS_TRY_ASSIGN(relay.secret, SecretBytes::copy_of(reader.raw(relay_secret_size)));
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

void encode(Writer& writer, const ServiceReply& value) { write_chain(writer, value.chain); }

Result<ServiceReply> decode_service(BytesView body) {
  Reader reader(body);
  ServiceReply reply{.chain = read_chain(reader)};
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const IssuingCas& value) {
  writer.u8(static_cast<std::uint8_t>(value.certificates.size()));
  for (const Bytes& certificate : value.certificates) writer.bytes(certificate);
}

Result<IssuingCas> decode_issuing_cas(BytesView body) {
  Reader reader(body);
  IssuingCas cas;
  const std::uint8_t count = reader.u8();
  if (count < 1 || count > max_good_cas) reader.refuse();
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    cas.certificates.push_back(copy(reader.bytes(max_certificate)));
  }
  return finished(reader, std::move(cas));
}

}  // namespace gims::hsm

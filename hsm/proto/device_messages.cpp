#include "hsm/proto/device_messages.hpp"

#include <utility>

#include "hsm/proto/fields.hpp"

namespace gims::hsm {

void encode(Writer& writer, const DeviceRequest& value) {
  writer.bytes(value.request);
  writer.text(value.user);
  writer.text(value.device);
  writer.u32(value.lifetime_seconds);
}

Result<DeviceRequest> decode_device_request(BytesView body) {
  Reader reader(body);
  DeviceRequest request;
  request.request = copy(reader.bytes(max_request));
  request.user = reader.text(max_user_id);
  request.device = reader.text(max_device_id);
  request.lifetime_seconds = reader.u32();
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const DeviceReply& value) {
  write_chain(writer, value.chain);
  writer.text(value.serial);
  writer.u64(static_cast<std::uint64_t>(value.not_after));
}

Result<DeviceReply> decode_device(BytesView body) {
  Reader reader(body);
  DeviceReply reply;
  reply.chain = read_chain(reader);
  reply.serial = reader.text(max_serial_text);
  reply.not_after = static_cast<std::int64_t>(reader.u64());
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const RevokeRequest& value) { writer.text(value.serial); }

Result<RevokeRequest> decode_revoke(BytesView body) {
  Reader reader(body);
  RevokeRequest request;
  request.serial = reader.text(max_serial_text);
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const CrlRequest& value) { writer.u8(value.which); }

Result<CrlRequest> decode_crl_request(BytesView body) {
  Reader reader(body);
  const CrlRequest request{.which = reader.u8()};
  return finished(reader, request);
}

void encode(Writer& writer, const CrlReply& value) {
  writer.bytes(value.crl);
  writer.u8(value.lists);
}

Result<CrlReply> decode_crl(BytesView body) {
  Reader reader(body);
  CrlReply reply;
  reply.crl = copy(reader.bytes(max_crl));
  reply.lists = reader.u8();
  return finished(reader, std::move(reply));
}

}  // namespace gims::hsm

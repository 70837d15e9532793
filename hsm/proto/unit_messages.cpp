#include "hsm/proto/unit_messages.hpp"

#include "hsm/proto/body.hpp"

namespace gims::hsm {

void encode(Writer& writer, const VolumeKey& value) { writer.raw(value.key.bytes()); }

void encode(Writer& writer, const ReleaseReply& value) {
  writer.u64(value.running);
  writer.u64(value.told);
}

Result<VolumeKey> decode_volume_key(BytesView body) {
  Reader reader(body);
  VolumeKey volume;
  GIMS_TRY_ASSIGN(volume.key, SecretBytes::copy_of(reader.raw(volume_key_size)));
  return finished(reader, std::move(volume));
}

Result<ReleaseReply> decode_release(BytesView body) {
  Reader reader(body);
  ReleaseReply reply;
  reply.running = reader.u64();
  reply.told = reader.u64();
  return finished(reader, reply);
}

}  // namespace gims::hsm

// What gims-keyd is asked for by the unit itself, as it starts: the key of its data volume, and
// that its hardware be told which release it runs.
#pragma once

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

// Two keys of AES-256, as dm-crypt takes them for XTS.
inline constexpr std::size_t volume_key_size = 64;
struct VolumeKey {
  SecretBytes key;
};

// Both 0: the hardware remembers no release.
struct ReleaseReply {
  std::uint64_t running = 0;
  std::uint64_t told = 0;  // the newest that the hardware was told of
  bool operator==(const ReleaseReply&) const = default;
};

void encode(Writer& writer, const VolumeKey& value);
void encode(Writer& writer, const ReleaseReply& value);

[[nodiscard]] Result<VolumeKey> decode_volume_key(BytesView body);
[[nodiscard]] Result<ReleaseReply> decode_release(BytesView body);

}  // namespace gims::hsm

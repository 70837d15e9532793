// A release's manifest, from wherever it was copied: whatever is taken was signed by the key in it.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "crypto/bytes.hpp"
#include "hsm/release/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::hsm;  // NOLINT(google-build-using-namespace)
  const auto manifest = release::decode_manifest(gims::crypto::as_text({data, size}));
  if (!manifest) return 0;
  GIMS_CHECK(manifest->number > 0 && !manifest->pcrs.empty());
  for (const auto& pcr : manifest->pcrs) GIMS_CHECK(pcr.values.empty() != pcr.events.empty());
  // As it would be signed anew: the same, but for who signed it.
  static const P256Key key = *p256_from_scalar(*gims::SecretBytes::copy_of(Bytes(32, 7)));
  release::Manifest own = *manifest;
  own.key = key.public_key;
  const auto file =
      release::sign_manifest(own, [](const Digest& digest) { return p256_sign(key, digest); });
  GIMS_CHECK(file.has_value());
  const auto again = release::decode_manifest(*file);
  GIMS_CHECK(again && *again == own);
  return 0;
}

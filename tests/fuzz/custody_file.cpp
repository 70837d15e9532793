// custody.bin and what is in it, as whoever holds the disk can write it: nothing proves the file
// before the vault has opened its part. Whatever a decoder takes, the encoder writes as the same
// bytes, but for the MAC, which it could not check.
#include "hsm/core/custody_file.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/core/attended_blob.hpp"
#include "hsm/factor/passphrase.hpp"
#include "hsm/factor/security_key.hpp"
#include "hsm/tpm2/stored.hpp"

namespace {

using namespace gims;       // NOLINT(google-build-using-namespace)
using namespace gims::hsm;  // NOLINT(google-build-using-namespace)

// tpm2-tss writes what it does not take to stderr.
[[maybe_unused]] const int quiet =
    ::setenv("TSS2_LOG", "all+none", 0);  // NOLINT(concurrency-mt-unsafe): there is one thread

const SecretBytes& any_key() {
  static const SecretBytes key = *SecretBytes::zeroed(key_size);
  return key;
}

void check_same(BytesView bytes, BytesView again, std::size_t without) {
  GIMS_CHECK(bytes.size() == again.size());
  GIMS_CHECK(
      std::ranges::equal(bytes.first(bytes.size() - without), again.first(again.size() - without)));
}

void custody_file(BytesView bytes) {
  const auto record = decode_custody(bytes);
  if (!record) return;
  const auto again = encode_custody(*record, any_key());
  GIMS_CHECK(again.has_value());
  check_same(bytes, *again, mac_size);
}

void attended_blob(BytesView bytes) {
  if (const auto blob = decode_attended(bytes); blob) {
    const auto again = encode_attended(*blob, any_key());
    GIMS_CHECK(again.has_value());
    check_same(bytes, *again, mac_size);
    for (const Slot& slot : blob->slots) GIMS_CHECK(factor_in(slot, any_key()).has_value());
  }
  if (const auto inner = inner_of(bytes); inner) GIMS_CHECK(inner->size() <= max_inner_blob);
}

void tpm_blob(BytesView bytes) {
  const auto blob = tpm2::decode_blob(bytes);
  if (!blob) return;
  const auto again = tpm2::encode_blob(*blob);
  GIMS_CHECK(again.has_value());
  check_same(bytes, *again, 0);
}

void persons_parameters(BytesView bytes) {
  if (const auto read = factor::decode_passphrase(bytes); read) {
    check_same(bytes, factor::encode(*read), 0);
  }
  if (const auto read = factor::decode_fido2(bytes); read) {
    check_same(bytes, factor::encode(*read), 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView bytes(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      custody_file(bytes);
      break;
    case 1:
      attended_blob(bytes);
      break;
    case 2:
      tpm_blob(bytes);
      break;
    default:
      persons_parameters(bytes);
  }
  return 0;
}

// Requests for certificates, as devices make them: PKCS #10, of which the key alone is taken. The
// other readers of certificates get the same bytes: what they read is the site's own, and a file
// may be damaged.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/csr.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::hsm;  // NOLINT(google-build-using-namespace)
  const BytesView bytes(data, size);
  if (const auto key = key_of_request(bytes); key) {
    // What is taken is a key that a certificate can be made for.
    const auto again = point_of_spki(spki_of(*key));
    GIMS_CHECK(again.has_value() && *again == *key);
  }
  static_cast<void>(end_of(bytes));
  static_cast<void>(key_of(bytes));
  if (const auto subject = subject_of(bytes); subject) GIMS_CHECK(subject->front() == 0x30);
  if (const auto serial = serial_of(bytes); serial) GIMS_CHECK(serial->size() <= max_serial);
  return 0;
}

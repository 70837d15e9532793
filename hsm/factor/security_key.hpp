// A person's key out of a FIDO2 security key: the extension hmac-secret (CTAP 2.1, section 12.5),
// by libfido2. In the process of whoever has it plugged in.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/handle.hpp"
#include "hsm/proto/attendance_messages.hpp"

// Of libfido2.
struct fido_dev;
// NOLINTNEXTLINE(readability-identifier-naming): the library's own name
struct fido_dev_io;
// NOLINTNEXTLINE(readability-identifier-naming): the library's own name
struct fido_dev_transport;

namespace gims::hsm::factor {

inline constexpr std::size_t max_credential = 400;

// What is kept of it: Person::parameters. None of it is secret.
struct Fido2Parameters {
  bool with_pin = false;  // it had a PIN when it was enrolled: its key is another one without
  std::array<std::uint8_t, 32> salt{};
  Bytes credential;  // 1 to max_credential bytes
};
[[nodiscard]] Bytes encode(const Fido2Parameters& parameters);
// They come from the disk. Fails (bad_input, GIMS_KEYD_REQUEST).
[[nodiscard]] Result<Fido2Parameters> decode_fido2(BytesView bytes);

// One that is plugged in. Each call but has_pin() waits until it is touched. Errors
// (GIMS_KEYD_REQUEST) carry a text for its holder. Thread: one.
class SecurityKey {
 public:
  // Fails unless exactly one is plugged in.
  [[nodiscard]] static Result<SecurityKey> plugged_in();
  // The one at `path`; with another way to it than USB, which outlives it: for tests.
  [[nodiscard]] static Result<SecurityKey> open(const std::string& path,
                                                const fido_dev_io* io = nullptr,
                                                const fido_dev_transport* transport = nullptr);

  // Whether it wants a PIN, which is `pin` of the calls below; without, that is empty.
  [[nodiscard]] bool has_pin() const noexcept;
  // Makes a credential for the person, with a random salt. Nothing is stored in it.
  [[nodiscard]] Result<Fido2Parameters> enrol(std::string_view person,
                                              const SecretBytes& pin) const;
  // The person's key (key_size bytes): always the same of the same parameters.
  [[nodiscard]] Result<SecretBytes> key(const Fido2Parameters& parameters,
                                        const SecretBytes& pin) const;

 private:
  static void close(fido_dev* device) noexcept;
  using Device = Handle<fido_dev, close>;
  explicit SecurityKey(Device device) : device_(std::move(device)) {}
  Device device_;
};

}  // namespace gims::hsm::factor

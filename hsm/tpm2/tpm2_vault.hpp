// The vault that is a TPM 2.0.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hsm/core/vault.hpp"
#include "hsm/release/release_policy.hpp"

namespace gims::hsm::tpm2 {

class Way;

// Where the TPM is: "device:/dev/tpmrm0", the kernel's resource manager, or "swtpm:path=/…", the
// data socket of a swtpm on this machine.
struct Address {
  bool swtpm = false;
  std::string path;
};
[[nodiscard]] Result<Address> parse_address(std::string_view tcti);

// True for the software TPM of development: reached as swtpm, and its manufacturer (the property
// TPM2_PT_MANUFACTURER, TPM 2.0 library part 2, section 6.13) is libtpms's. A TPM behind a device
// node counts as hardware whatever it says of itself.
[[nodiscard]] bool is_development_tpm(const Address& address, std::uint32_t manufacturer) noexcept;

struct Options {
  Address address;
  // For one call of the vault, all of its TPM commands together.
  // Below the clients' own (hsm/proto/client.hpp), so that each hears how its request went.
  std::chrono::milliseconds time_limit{20'000};
  // What lies beside the image that was started (release/release_policy.hpp), or why it cannot be
  // read: then nothing opens, and that is told.
  Result<release::ReleasePolicy> release =
      fail(ErrorKind::unavailable, boot_code, "There is no release's policy.");
  // Ordinary NV indices of the owner's range: the two that hold the objects' authorisation values,
  // and the unit's counter. That of the release is the same everywhere
  // (release/release_policy.hpp).
  std::array<std::uint32_t, 2> value_indices{0x0181'4D00, 0x0181'4D03};
  std::uint32_t counter_index = 0x0181'4D02;
  // For tests that break the way to the TPM: what each connection's is replaced with. None:
  // nothing.
  std::function<std::unique_ptr<Way>(std::unique_ptr<Way> way)> detour = nullptr;
};

// Does not touch the TPM yet.
[[nodiscard]] std::unique_ptr<Vault> make_vault(Options options);

}  // namespace gims::hsm::tpm2

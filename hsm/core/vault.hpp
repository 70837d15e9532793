// What gims-keyd asks of the hardware that keeps its keys. tpm2/ is one; each kind has its own
// folder beside it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/proto/frame.hpp"

namespace gims::hsm {

inline constexpr std::string_view away_code = "GIMS_KEYD_AWAY";

using Digest = std::array<std::uint8_t, 32>;     // SHA-256
using P256Point = std::array<std::uint8_t, 65>;  // 0x04, X, Y (SEC 1, section 2.3.3)
struct P256Signature {
  std::array<std::uint8_t, 32> r{};
  std::array<std::uint8_t, 32> s{};
};

// Every call talks to the hardware and blocks, within the vault's own time limit. Between calls the
// vault holds nothing open in the hardware.
//
// Errors carry a text for the administrator and the code GIMS_KEYD_CUSTODY, or GIMS_KEYD_AWAY where
// the hardware could not be reached, did not answer in time or was busy: what may pass by itself.
// Thread: one.
class Vault {
 public:
  Vault() = default;
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;
  virtual ~Vault() = default;

  // Written into the custody file, so that one kind does not read the blob of another: "tpm2".
  [[nodiscard]] virtual std::string kind() const = 0;

  struct Info {
    std::string description;  // "TPM 2.0 (IBM, software)"
    // The hardware is none: a development TPM, which may be given a root key.
    bool software = false;
  };
  [[nodiscard]] virtual Result<Info> info() = 0;

  struct Sealed {
    Bytes blob;  // Only this vault reads it; it holds nothing that is secret without the hardware.
    P256Point ca_public{};
  };
  // Seals the root key (key_size bytes) and makes the issuing CA's key. With `replace` whatever an
  // earlier provisioning left in the hardware is destroyed; without, its presence is a failure. A
  // failure leaves nothing of its own in the hardware, or says in its text that it may have.
  [[nodiscard]] virtual Result<Sealed> provision(const SecretBytes& root_key, bool replace) = 0;

  struct Opened {
    SecretBytes root_key;
    P256Point ca_public{};
  };
  // Fails unless this is the hardware that made the blob, in the state in which it may be opened,
  // and the blob is whole.
  [[nodiscard]] virtual Result<Opened> open(BytesView blob) = 0;

  // Signs with the issuing CA's key.
  [[nodiscard]] virtual Result<P256Signature> sign(BytesView blob, const Digest& digest) = 0;

  enum class Destruction : std::uint8_t {
    done,
    // This is the hardware of the blob, and what opens it is not there: it was destroyed before.
    nothing_there,
  };
  // Makes every copy of `blob` unreadable for good. Fails, with nothing destroyed, unless this is
  // the hardware that made the blob: another one may hold another site's keys.
  [[nodiscard]] virtual Result<Destruction> destroy(BytesView blob) = 0;
};

}  // namespace gims::hsm

// What gims-keyd asks of the hardware that keeps its keys. tpm2/ and pkcs11/ are two kinds, each in
// a folder of its own; combined_vault.hpp joins two of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm {

// Codes of a vault's failures beside GIMS_KEYD_CUSTODY: the hardware is away, which may pass by
// itself; something else was started than it was sealed to; an older release was started; what a
// person gave does not open it.
inline constexpr std::string_view away_code = "GIMS_KEYD_AWAY";
inline constexpr std::string_view boot_code = "GIMS_KEYD_BOOT";
inline constexpr std::string_view older_code = "GIMS_KEYD_OLDER";
inline constexpr std::string_view person_code = "GIMS_KEYD_PERSON";

// What hardware states about itself, signed by a key that signs nothing else (TPM 2.0 library part
// 1, section 31). Errors and thread as Vault's.
class Attestor {
 public:
  Attestor() = default;
  Attestor(const Attestor&) = delete;
  Attestor& operator=(const Attestor&) = delete;
  virtual ~Attestor() = default;

  // As TPM structures: TPMT_PUBLIC of the attestation key and of the endorsement key, and the
  // maker's certificate of the latter (DER; empty: the hardware has none).
  struct Identity {
    Bytes attestation_key;
    Bytes endorsement_key;
    Bytes endorsement_certificate;
  };
  [[nodiscard]] virtual Result<Identity> identity(BytesView blob,
                                                  const SecretBytes& hardware_secret) = 0;

  struct Statement {
    Bytes attest;  // TPMS_ATTEST
    P256Signature signature;
  };
  struct Quote {
    Statement statement;
    std::vector<Digest> pcrs;  // of the SHA-256 bank, PCR 0 first
  };
  // What the PCRs hold; `nonce` shows that it is of now.
  [[nodiscard]] virtual Result<Quote> quote(BytesView blob, const Digest& nonce) = 0;
  // That the unit's counter holds what counter() gives, together with `statement`.
  [[nodiscard]] virtual Result<Statement> certify_counter(BytesView blob,
                                                          const SecretBytes& hardware_secret,
                                                          const Digest& statement) = 0;
  // The same of the newest release that the hardware was told of (ReleaseGate).
  [[nodiscard]] virtual Result<Statement> certify_release(BytesView blob,
                                                          const Digest& statement) = 0;
  // Opens what was encrypted for the endorsement key and the attestation key together
  // (TPM2_ActivateCredential), which shows that one hardware has both.
  [[nodiscard]] virtual Result<SecretBytes> activate(BytesView blob,
                                                     const SecretBytes& hardware_secret,
                                                     BytesView credential,
                                                     BytesView encrypted_secret) = 0;
};

// What hardware remembers of releases (hsm/release). Errors and thread as Vault's.
class ReleaseGate {
 public:
  ReleaseGate() = default;
  ReleaseGate(const ReleaseGate&) = delete;
  ReleaseGate& operator=(const ReleaseGate&) = delete;
  virtual ~ReleaseGate() = default;

  struct Releases {
    std::uint64_t running = 0;  // of the policy that lies beside the image
    std::uint64_t told = 0;     // the newest that the hardware was told of: no older one opens
  };
  [[nodiscard]] virtual Result<Releases> releases() = 0;
  // Tells it the running one.
  [[nodiscard]] virtual Result<> raise() = 0;
};

// What a signing key that was made in the hardware is for.
enum class KeyUse : std::uint8_t {
  issuing_ca = 1,   // signs TLS leaves, device certificates, revocation lists
  attestation = 2,  // signs what the unit states about itself, where there is no Attestor for it
};

// Who is needed to open the keys, where the vault is an attended one (attended_vault.hpp). Errors
// and thread as Vault's.
class Attendance {
 public:
  Attendance() = default;
  Attendance(const Attendance&) = delete;
  Attendance& operator=(const Attendance&) = delete;
  virtual ~Attendance() = default;

  // Of any blob, as it says itself. None: it opens without a person.
  [[nodiscard]] virtual Result<std::vector<Person>> persons(BytesView blob) = 0;
  // For the next open(), and no later one.
  virtual void give(PersonKey key) = 0;
  // Of the blob that is open: another one, with a person more or less, for the same keys in the
  // hardware. Fails (conflict, not_found, too_large) for a name that is there, or is not, for too
  // many, and for the last one: without a person it would open by itself.
  [[nodiscard]] virtual Result<Bytes> add(BytesView blob, Person person,
                                          const SecretBytes& key) = 0;
  [[nodiscard]] virtual Result<Bytes> remove(BytesView blob, std::string_view name) = 0;
};

using Ed25519Point = std::array<std::uint8_t, 32>;  // RFC 8032, section 5.1.5

// Every call talks to the hardware and blocks, within the vault's own time limit.
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
  // It may be unplugged while the unit runs, so it is looked after: probe() every few seconds, and
  // the keys are wiped when it is away. A TPM is soldered on, and every command to it is slow.
  [[nodiscard]] virtual bool removable() const noexcept { return false; }

  struct Info {
    std::string description;  // "TPM 2.0 (IBM, software)"
    // The hardware is none: a development TPM, which may be given a root key.
    bool software = false;
  };
  [[nodiscard]] virtual Result<Info> info() = 0;

  struct Sealed {
    Bytes blob;  // Only this vault reads it; it holds nothing that is secret without the hardware.
    P256Point ca_public{};
    P256Point attestation_public{};  // of KeyUse::attestation; zeros where an Attestor has its key
    // Of the unit's own key for events; none where the hardware has no EdDSA.
    std::optional<Ed25519Point> server_public = {};
  };
  // Seals the root key (key_size bytes) and makes a key for each use. `hardware_secret`
  // (key_size bytes) is the site's own: the hardware's passwords follow from it. With `replace`
  // whatever an earlier provisioning left in the hardware is destroyed; without, its presence is a
  // failure. A failure leaves nothing of its own in the hardware, or says in its text that it may
  // have.
  [[nodiscard]] virtual Result<Sealed> provision(const SecretBytes& root_key,
                                                 const SecretBytes& hardware_secret,
                                                 bool replace) = 0;

  struct Opened {
    SecretBytes root_key;
    P256Point ca_public{};
    P256Point attestation_public{};
    std::optional<Ed25519Point> server_public = {};
  };
  // Fails unless this is the hardware that made the blob, in the state in which it may be opened,
  // and the blob is whole.
  [[nodiscard]] virtual Result<Opened> open(BytesView blob) = 0;
  // Does what provision() and reseal() leave for when the site's files are on the disk: the
  // hardware takes its passwords from `hardware_secret` from now on, and what opens any other blob
  // is destroyed. Done already is a success. After each open().
  [[nodiscard]] virtual Result<> settle(BytesView blob, const SecretBytes& hardware_secret) = 0;
  // Whether the hardware is there and answers. One that is removable() also holds a site's keys.
  [[nodiscard]] virtual Result<> probe() = 0;

  [[nodiscard]] virtual Result<P256Signature> sign(BytesView blob, KeyUse use,
                                                   const Digest& digest) = 0;
  // What is kept of a blob whose CA key was replaced: sign() takes it, and it opens nothing where
  // the blob holds a part of what opens the keys.
  [[nodiscard]] virtual Result<Bytes> for_signing(BytesView blob) {
    return Bytes(blob.begin(), blob.end());
  }
  // Signs each with the key for events (Ed25519 of RFC 8032), where there is one.
  [[nodiscard]] virtual Result<std::vector<Signature>> sign_events(
      BytesView /*blob*/, std::span<const BytesView> /*events*/) {
    return fail(ErrorKind::internal, "GIMS_KEYD_CUSTODY", "This hardware holds no key for events.");
  }
  // A blob with a new CA key and the same root key. The earlier one stays good for as long as its
  // holder keeps it.
  [[nodiscard]] virtual Result<Sealed> renew_ca(BytesView blob) = 0;
  // Seals another root key under the terms of now, with a new CA key. Both blobs open until
  // settle() is called with one: from then on the other opens nothing, wherever copies of it are.
  [[nodiscard]] virtual Result<Sealed> reseal(BytesView blob, const SecretBytes& root_key) = 0;

  // The unit's own counter: it only goes up, by one a call, and no copy of a file brings it back.
  [[nodiscard]] virtual Result<std::uint64_t> counter(BytesView blob,
                                                      const SecretBytes& hardware_secret) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> advance(BytesView blob,
                                                      const SecretBytes& hardware_secret) = 0;

  // Whether the hardware still holds what opens blobs that it made. False is its own word, given so
  // that nobody in between can say it. Fails unless this is the hardware that made `blob`. Of
  // hardware that cannot tell: true.
  [[nodiscard]] virtual Result<bool> holds(BytesView /*blob*/) { return true; }

  enum class Destruction : std::uint8_t {
    done,
    // This is the hardware of the blob, and what opens it is not there: it was destroyed before.
    nothing_there,
  };
  // Makes every copy of `blob` unreadable for good. Fails, with nothing destroyed, unless this is
  // the hardware that made the blob: another one may hold another site's keys. Without the
  // `hardware_secret` (null: the site does not open) the hardware keeps its passwords, and has to
  // be cleared before it serves another site.
  [[nodiscard]] virtual Result<Destruction> destroy(BytesView blob,
                                                    const SecretBytes* hardware_secret) = 0;

  // Wipes what it holds of a blob that was open. Called when the keys are locked.
  virtual void forget() noexcept {}

  // Who is needed to open; null where nobody can be.
  [[nodiscard]] virtual Attendance* attendance() noexcept { return nullptr; }
  // What tells others about this hardware and what it runs; null where it cannot.
  [[nodiscard]] virtual Attestor* attestor() noexcept { return nullptr; }
  // What it knows of releases; null where it knows nothing of them.
  [[nodiscard]] virtual ReleaseGate* release_gate() noexcept { return nullptr; }
};

}  // namespace gims::hsm

// One use of the TPM, from connecting to leaving nothing behind.
#pragma once

#include <tss2/tss2_esys.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/handle.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "hsm/tpm2/way.hpp"

namespace gims::hsm::tpm2 {

inline void free_esys(void* memory) noexcept { Esys_Free(memory); }
// What ESYS gives through a T**.
template <class T>
using Given = Handle<T, free_esys>;

// A transient object or a session: flushed from the TPM when it goes. The connection outlives it.
class Loaded {
 public:
  Loaded() noexcept = default;
  Loaded(ESYS_CONTEXT* esys, ESYS_TR handle) noexcept : esys_(esys), handle_(handle) {}
  Loaded(Loaded&& other) noexcept
      : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Loaded& operator=(Loaded&& other) noexcept;
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { flush(); }

  [[nodiscard]] ESYS_TR get() const noexcept { return handle_; }

 private:
  void flush() noexcept;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

// Whether a failure may pass by itself: of the way to the TPM, or a warning of the TPM's own, such
// as being busy or out of memory (TPM 2.0 library part 2, section 6.6.3, RC_WARN).
[[nodiscard]] bool may_pass(TSS2_RC rc) noexcept;

// For a TPM's struct; wipe it after use.
[[nodiscard]] TPM2B_AUTH auth_of(BytesView value) noexcept;

// Thread: one.
class Connection {
 public:
  // Connects and reads who made the TPM. A software TPM, of which gims-keyd is the one user, is
  // also started, and rid of what an earlier gims-keyd may have left when it was killed; the
  // kernel's resource manager does both by itself.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const Options& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] ESYS_CONTEXT* esys() const noexcept { return esys_.get(); }
  // TPM2_PT_MANUFACTURER.
  [[nodiscard]] std::uint32_t manufacturer() const noexcept { return manufacturer_; }

  // The failure of one command; `what` names it.
  [[nodiscard]] Result<> check(TSS2_RC rc, std::string_view what) const;

  // Handles of one kind that are in the TPM now, from `first` on. With a session, the answer is
  // proved to be the TPM's.
  [[nodiscard]] Result<std::vector<TPM2_HANDLE>> handles(TPM2_HANDLE first, std::uint32_t most,
                                                         ESYS_TR session = ESYS_TR_NONE) const;

  // The storage key: an ECC P-256 primary of the owner hierarchy, kept in the TPM so that it is
  // there without the owner's authorisation. Gives its name too. Without `make`, its absence is a
  // failure (GIMS_KEYD_CUSTODY).
  struct StorageKey {
    ESYS_TR object = ESYS_TR_NONE;
    Bytes name;
  };
  [[nodiscard]] Result<StorageKey> storage_key(bool make) const;

  // The authorisation value of a handle, in this process: sessions prove it, nothing sends it.
  [[nodiscard]] Result<> set_auth(ESYS_TR handle, BytesView auth) const;
  // Which hierarchies have an authorisation value: TPMA_PERMANENT.
  [[nodiscard]] Result<TPMA_PERMANENT> permanent(ESYS_TR session) const;

  // Sessions are salted to the storage key, so that whoever listens between here and the TPM cannot
  // compute their keys, and encrypt with AES-128-CFB the parameter that a command's `attributes`
  // name (TPM 2.0 library part 1, section 21).
  [[nodiscard]] Result<Loaded> start_session(ESYS_TR storage_key, TPM2_SE type) const;
  // Which parameters the next command encrypts: TPMA_SESSION_DECRYPT the one to the TPM,
  // TPMA_SESSION_ENCRYPT the one from it.
  [[nodiscard]] Result<> encrypt(ESYS_TR session, TPMA_SESSION parameters) const;
  // Whether the session proves the answers of commands that need no authorisation.
  [[nodiscard]] Result<> audit(ESYS_TR session, bool on) const;

 private:
  explicit Connection(std::unique_ptr<Way> way) noexcept : way_(std::move(way)) {}
  Result<> set_attributes(ESYS_TR session, TPMA_SESSION attributes) const;
  Result<> start_software_tpm() const;
  Result<UINT32> property(TPM2_PT which, ESYS_TR session) const;
  Result<ESYS_TR> make_storage_key() const;

  static void finalize(ESYS_CONTEXT* esys) noexcept { Esys_Finalize(&esys); }

  std::unique_ptr<Way> way_;
  Handle<ESYS_CONTEXT, finalize> esys_;
  std::uint32_t manufacturer_ = 0;
};

}  // namespace gims::hsm::tpm2

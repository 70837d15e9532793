// One use of the TPM by the vault: the storage key, a salted session, and what is done in it.
#pragma once

#include "hsm/tpm2/nv.hpp"
#include "hsm/tpm2/stored.hpp"

namespace gims::hsm::tpm2 {

// For as long as one call of the vault takes. Thread: one.
class Use {
 public:
  // On the TPM whose storage key has this name, and no other: nothing is sent before that is known.
  [[nodiscard]] static Result<Use> pinned(const Options& options, BytesView storage_name);
  // On whatever TPM is there, which gets a storage key.
  [[nodiscard]] static Result<Use> first(const Options& options);

  [[nodiscard]] const Connection& tpm() const noexcept { return *tpm_; }
  [[nodiscard]] ESYS_TR session() const noexcept { return session_.get(); }
  [[nodiscard]] ESYS_TR storage_key() const noexcept { return storage_.object; }
  [[nodiscard]] const Bytes& storage_name() const noexcept { return storage_.name; }

  // ---- the value without which the objects open nothing ----
  // It is in the TPM alone, so that its end is theirs, wherever copies of their blobs may be.
  // Anyone who reaches the TPM may read and overwrite it: what it protects from is a copy of the
  // files, and a zeroization must not depend on anything that may be lost.
  [[nodiscard]] Result<> define_value(Slot slot) const;
  [[nodiscard]] Result<SecretBytes> make_value(Slot slot) const;
  [[nodiscard]] Result<SecretBytes> read_value(Slot slot) const;
  [[nodiscard]] Result<bool> holds_value(Slot slot) const;
  // False: it was not there.
  [[nodiscard]] Result<bool> destroy_value(Slot slot) const;

  // ---- objects ----
  [[nodiscard]] Result<StoredObject> create(const TPM2B_PUBLIC& shape, const SecretBytes& auth,
                                            BytesView data) const;
  [[nodiscard]] Result<Loaded> load(const StoredObject& object, const SecretBytes& auth) const;
  [[nodiscard]] Result<const release::ReleasePolicy*> running_release() const;
  // In which the policy of the blob's objects was stated (boot_terms.hpp).
  [[nodiscard]] Result<Loaded> boot_session(const Blob& blob) const;
  [[nodiscard]] Result<SecretBytes> unseal(const Loaded& object, const Loaded& policy) const;
  [[nodiscard]] Result<P256Signature> sign(const Loaded& key, const Loaded& policy,
                                           const Digest& digest) const;

 private:
  [[nodiscard]] NvIndex value_index(Slot slot) const;
  // Empty: there is none.
  [[nodiscard]] Result<SecretBytes> held_value(Slot slot) const;
  explicit Use(const Options& options) noexcept : options_(&options) {}
  [[nodiscard]] Result<> begin(bool make_storage_key);
  [[nodiscard]] Result<> start_session();

  const Options* options_;
  // In this order: objects and sessions go before the connection.
  std::unique_ptr<Connection> tpm_;
  Connection::StorageKey storage_;
  Loaded session_;
};

}  // namespace gims::hsm::tpm2

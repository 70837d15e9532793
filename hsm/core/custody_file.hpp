// The files of gims-keyd, in its state folder (docs/protocol-keyd.md, "On the disk").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/ca/crl.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/core/vault.hpp"
#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// What the server's seed is wrapped as.
inline constexpr std::string_view server_seed_label = "gims server signing seed 1";

inline constexpr std::size_t max_former_cas = 4;
inline constexpr std::size_t max_revoked_devices = 1024;

// An issuing CA of before, whose key still signs the list of what it certified.
struct FormerCa {
  Bytes vault_blob;
  Bytes certificate;       // DER
  std::int64_t until = 0;  // when the last of what it certified has ended; seconds since 1970 UTC
};

// custody.bin. Everything that is secret in it is wrapped under the root key or sealed by the
// vault.
struct CustodyRecord {
  std::uint64_t number = 1;  // one more each time that the file is written
  std::int64_t made_at = 0;  // seconds since 1970 UTC
  std::string vault_kind;
  Bytes vault_blob;
  SiteParameters site;
  Bytes server_seed;  // wrapped: the Ed25519 seed
  Bytes site_root;    // certificates, DER
  Bytes issuing_ca;
  Bytes crl;  // of the site root, DER
  std::vector<FormerCa> former_cas;
  std::vector<Revoked> revoked_devices;
  Bytes recovery;        // recovery.hpp; recovery.bin is a copy of it
  Bytes administrators;  // administrators.hpp
};
// With the MAC under the root key at the end. Fails (too_large) for more than a file may hold.
[[nodiscard]] Result<Bytes> encode_custody(const CustodyRecord& record,
                                           const SecretBytes& root_key);
// Reads the fields and does not yet trust them: the vault must open the blob before there is a key
// to check the MAC with. Fails (GIMS_KEYD_CUSTODY) for anything but a whole file of this version.
[[nodiscard]] Result<CustodyRecord> decode_custody(BytesView file);
// Now that the root key is there.
[[nodiscard]] Result<> check_custody(BytesView file, const SecretBytes& root_key);

// state.bin (freshness.hpp).
struct KeptState {
  std::uint64_t number = 0;
  std::uint64_t custody = 0;  // the number of the custody.bin that it belongs to
  AuditHead audit;
  std::uint64_t store_position = 0;
};
[[nodiscard]] Result<Bytes> encode_state(const KeptState& kept, const SecretBytes& root_key);
[[nodiscard]] Result<KeptState> decode_state(BytesView file, const SecretBytes& root_key);

// The state folder. Files are replaced as a whole, synced to the disk before a call returns, and
// readable by gims-keyd's user alone. Thread: one.
class StateFolder {
 public:
  // Makes the folder (mode 0700) when it is not there, and holds a lock on it, so that no second
  // gims-keyd works on it. Fails when it belongs to someone else or others may enter it.
  [[nodiscard]] static Result<StateFolder> open(std::string path);

  // Nothing when there is no such file.
  [[nodiscard]] Result<std::optional<Bytes>> read(const char* name) const;
  [[nodiscard]] Result<> write(const char* name, BytesView bytes) const;
  // Overwrites a file and removes it. None there is a success.
  [[nodiscard]] Result<> destroy(const char* name) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  static constexpr const char* custody = "custody.bin";
  static constexpr const char* state = "state.bin";
  static constexpr const char* recovery = "recovery.bin";
  static constexpr const char* zeroized = "zeroized";
  static constexpr const char* acts = "acts.bin";

 private:
  StateFolder(std::string path, sys::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }
  std::string path_;
  sys::Fd lock_;
};

}  // namespace gims::hsm

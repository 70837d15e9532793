#include "hsm/core/custody_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "hsm/core/file_start.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "hsm/proto/device_messages.hpp"
#include "sys/atomic_file.hpp"
#include "sys/errno.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view custody_magic = "GIMSCUST";
constexpr std::string_view state_magic = "GIMSSTAT";
constexpr std::uint16_t file_version = 3;
constexpr std::size_t max_blob = std::size_t{16} * 1024;
constexpr std::size_t max_wrapped = 256;
constexpr std::size_t max_file = max_frame_size;  // what a Writer takes
constexpr mode_t owner_only = 0600;

Result<Bytes> with_mac(const Writer& writer, const SecretBytes& root_key, Purpose purpose) {
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, purpose));
  Bytes bytes(writer.body().begin(), writer.body().end());
  append_mac(key, bytes);
  return bytes;
}

Result<BytesView> without_mac(BytesView file, const SecretBytes& root_key, Purpose purpose) {
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, purpose));
  return checked_by_mac(key, file);
}

std::unexpected<Error> custody_error(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

Bytes copy(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

std::unexpected<Error> storage_error(const std::string& what, const Error& error) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_STORAGE", what + " (" + error.code + ").",
              error.detail);
}

}  // namespace

Result<Bytes> encode_custody(const CustodyRecord& record, const SecretBytes& root_key) {
  Bytes room(max_file);
  Writer writer(room);
  write_start(writer, custody_magic, file_version);
  writer.u64(record.number);
  writer.u64(static_cast<std::uint64_t>(record.made_at));
  writer.text(record.vault_kind);
  writer.bytes(record.vault_blob);
  Bytes site_room(max_file);
  Writer site(site_room);
  encode(site, record.site);
  writer.bytes(site.body());
  writer.bytes(record.server_seed);
  writer.bytes(record.site_root);
  writer.bytes(record.issuing_ca);
  writer.bytes(record.crl);
  writer.bytes(record.recovery);
  writer.u8(static_cast<std::uint8_t>(record.former_cas.size()));
  for (const FormerCa& ca : record.former_cas) {
    writer.bytes(ca.vault_blob);
    writer.bytes(ca.certificate);
    writer.u64(static_cast<std::uint64_t>(ca.until));
  }
  writer.u16(static_cast<std::uint16_t>(record.revoked_devices.size()));
  for (const Revoked& device : record.revoked_devices) {
    writer.bytes(device.serial);
    writer.u64(static_cast<std::uint64_t>(device.at));
  }
  writer.bytes(record.administrators);
  if (!writer.good() || writer.body().size() + mac_size > max_file) {
    return fail(ErrorKind::too_large, "GIMS_KEYD_REQUEST",
                "custody.bin would be longer than it may be.");
  }
  return with_mac(writer, root_key, Purpose::custody_file);
}

Result<CustodyRecord> decode_custody(BytesView file) {
  CustodyRecord record;
  if (file.size() < mac_size) return custody_error("It is cut.");
  Reader reader(file.first(file.size() - mac_size));
  read_start(reader, custody_magic, file_version);
  record.number = reader.u64();
  record.made_at = static_cast<std::int64_t>(reader.u64());
  record.vault_kind = reader.text(max_name);
  record.vault_blob = copy(reader.bytes(max_blob));
  const BytesView site = reader.bytes(max_blob);
  record.server_seed = copy(reader.bytes(max_wrapped));
  record.site_root = copy(reader.bytes(max_certificate));
  record.issuing_ca = copy(reader.bytes(max_certificate));
  record.crl = copy(reader.bytes(max_crl));
  record.recovery = copy(reader.bytes(max_recovery_file));
  const std::uint8_t former = reader.u8();
  if (former > max_former_cas) reader.refuse();
  for (std::uint8_t i = 0; i < former && reader.good(); ++i) {
    FormerCa ca{.vault_blob = copy(reader.bytes(max_blob)),
                .certificate = copy(reader.bytes(max_certificate)),
                .until = static_cast<std::int64_t>(reader.u64())};
    record.former_cas.push_back(std::move(ca));
  }
  const std::uint16_t revoked = reader.u16();
  if (revoked > max_revoked_devices) reader.refuse();
  for (std::uint16_t i = 0; i < revoked && reader.good(); ++i) {
    Revoked device{.serial = copy(reader.bytes(max_serial)),
                   .at = static_cast<std::int64_t>(reader.u64())};
    record.revoked_devices.push_back(std::move(device));
  }
  record.administrators = copy(reader.bytes(max_administrators_list));
  if (!reader.finish()) {
    return custody_error("It is damaged, or of a version that this gims-keyd does not know.");
  }
  auto decoded = decode_site(site);
  if (!decoded) return custody_error("The site's parameters in it are damaged.");
  record.site = std::move(*decoded);
  return record;
}

Result<> check_custody(BytesView file, const SecretBytes& root_key) {
  GIMS_TRY(without_mac(file, root_key, Purpose::custody_file));
  return {};
}

Result<Bytes> encode_state(const KeptState& kept, const SecretBytes& root_key) {
  std::array<std::uint8_t, 256> room{};
  Writer writer(room);
  write_start(writer, state_magic, file_version);
  writer.u64(kept.number);
  writer.u64(kept.custody);
  encode(writer, kept.audit);
  writer.u64(kept.store_position);
  return with_mac(writer, root_key, Purpose::state_file);
}

Result<KeptState> decode_state(BytesView file, const SecretBytes& root_key) {
  GIMS_TRY_ASSIGN(const BytesView body, without_mac(file, root_key, Purpose::state_file));
  Reader reader(body);
  read_start(reader, state_magic, file_version);
  KeptState kept;
  kept.number = reader.u64();
  kept.custody = reader.u64();
  kept.audit.sequence = reader.u64();
  const BytesView hash = reader.raw(kept.audit.hash.size());
  if (reader.good()) std::ranges::copy(hash, kept.audit.hash.begin());
  kept.store_position = reader.u64();
  if (!reader.finish()) {
    return custody_error("It is of a version that this gims-keyd does not know.");
  }
  return kept;
}

Result<StateFolder> StateFolder::open(std::string path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return storage_error("The state folder " + path + " cannot be made",
                         sys::fail_errno("mkdir").error());
  }
  sys::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) {
    return storage_error("The state folder " + path + " cannot be opened",
                         sys::fail_errno("open").error());
  }
  struct stat about{};
  if (::fstat(folder.get(), &about) != 0 || about.st_uid != ::geteuid() ||
      (about.st_mode & 0077U) != 0) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_STORAGE",
                "The state folder " + path +
                    " must belong to gims-keyd's user, and no one else may enter it (mode 0700).");
  }
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_STORAGE",
                "Another gims-keyd works on the state folder " + path + ".");
  }
  return StateFolder(std::move(path), std::move(folder));
}

Result<std::optional<Bytes>> StateFolder::read(const char* name) const {
  auto bytes = sys::read_file(file(name), max_file);
  if (bytes) return std::optional<Bytes>(std::move(*bytes));
  if (bytes.error().code == "ENOENT") return std::optional<Bytes>();
  return storage_error(file(name) + " cannot be read", bytes.error());
}

Result<> StateFolder::write(const char* name, BytesView bytes) const {
  auto written = sys::write_file_atomically(file(name), bytes, owner_only);
  if (!written) return storage_error(file(name) + " cannot be written", written.error());
  return {};
}

Result<> StateFolder::destroy(const char* name) const {
  const sys::Fd fd(::open(file(name).c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  struct stat about{};
  bool good = fd && ::fstat(fd.get(), &about) == 0;
  if (good) {
    // Where the file system writes in place; elsewhere the vault's own part of the destruction
    // counts.
    const Bytes zeros(static_cast<std::size_t>(about.st_size), 0);
    good = ::write(fd.get(), zeros.data(), zeros.size()) == about.st_size && ::fsync(fd.get()) == 0;
  }
  if (!good || ::unlink(file(name).c_str()) != 0 || ::fsync(lock_.get()) != 0) {
    return storage_error(file(name) + " cannot be destroyed", sys::fail_errno("destroy").error());
  }
  return {};
}

}  // namespace gims::hsm

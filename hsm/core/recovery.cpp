#include "hsm/core/recovery.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "hsm/ca/p256.hpp"
#include "hsm/core/file_start.hpp"
#include "hsm/core/keys.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view magic = "GIMSRCVR";
constexpr std::uint16_t file_version = 1;
constexpr std::size_t max_site = std::size_t{12} * 1024;

// The envelope's parts, and the keyed hash of what is in clear.
constexpr std::size_t hash_size = crypto_generichash_BYTES;
constexpr std::size_t plain_size = 3 * key_size + hash_size;
constexpr std::size_t sealed_size = plain_size + crypto_box_SEALBYTES;

// libsodium wants exactly eight characters. The numbers never change: shares are kept for decades.
constexpr char context[crypto_kdf_CONTEXTBYTES + 1] = "gimsrcvr";
constexpr std::uint64_t pair_number = 1;
constexpr std::uint64_t hash_number = 2;
static_assert(crypto_kdf_KEYBYTES == recovery_secret_size);
static_assert(crypto_box_SEEDBYTES == key_size && crypto_box_SECRETKEYBYTES == key_size);

std::unexpected<Error> damaged(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

// What follows from the recovery secret.
struct Derived {
  std::array<std::uint8_t, crypto_box_PUBLICKEYBYTES> public_key{};
  SecretBytes private_key;
  SecretBytes hash_key;
};

Result<SecretBytes> subkey_of(const SecretBytes& secret, std::uint64_t number) {
  GIMS_TRY_ASSIGN(SecretBytes key, SecretBytes::zeroed(key_size));
  if (secret.size() != recovery_secret_size ||
      crypto_kdf_derive_from_key(key.writable().data(), key.size(), number, context,
                                 secret.bytes().data()) != 0) {
    return fail(ErrorKind::internal, "GIMS_KEYD_INTERNAL", "A key could not be derived.");
  }
  return key;
}

Result<Derived> derived_from(const SecretBytes& secret) {
  Derived derived;
  GIMS_TRY_ASSIGN(const SecretBytes seed, subkey_of(secret, pair_number));
  GIMS_TRY_ASSIGN(derived.hash_key, subkey_of(secret, hash_number));
  GIMS_TRY_ASSIGN(derived.private_key, SecretBytes::zeroed(key_size));
  crypto_box_seed_keypair(derived.public_key.data(), derived.private_key.writable().data(),
                          seed.bytes().data());
  return derived;
}

// Fields in clear, as they stand in the file.
void write_clear(Writer& writer, const RecoveryRecord& record) {
  write_start(writer, magic, file_version);
  writer.u32(record.generation);
  writer.u64(static_cast<std::uint64_t>(record.made_at));
  writer.u16(record.share_set);
  encode(writer, record.scheme);
  writer.raw(record.public_key);
  Bytes room(header_size + max_site);
  Writer site(room);
  encode(site, record.site);
  writer.bytes(site.body());
  writer.bytes(record.site_root);
  writer.u64(record.crl_number);
  writer.u8(static_cast<std::uint8_t>(record.issued.size()));
  for (const IssuedCa& ca : record.issued) {
    writer.bytes(ca.serial);
    writer.u64(static_cast<std::uint64_t>(ca.end));
  }
  writer.u8(static_cast<std::uint8_t>(record.revoked.size()));
  for (const Revoked& ca : record.revoked) {
    writer.bytes(ca.serial);
    writer.u64(static_cast<std::uint64_t>(ca.at));
  }
}

Bytes hash_of_clear(const RecoveryRecord& record, const SecretBytes& hash_key) {
  Bytes room(header_size + max_recovery_file);
  Writer writer(room);
  write_clear(writer, record);
  Bytes hash(hash_size);
  crypto_generichash(hash.data(), hash.size(), writer.body().data(), writer.body().size(),
                     hash_key.bytes().data(), hash_key.size());
  return hash;
}

Bytes read_serial(Reader& reader) {
  const BytesView serial = reader.bytes(max_serial);
  if (serial.empty()) reader.refuse();
  return {serial.begin(), serial.end()};
}

ShareScheme read_scheme(Reader& reader) {
  // Two bytes, and two a group.
  const std::uint8_t threshold = reader.u8();
  const std::uint8_t groups = reader.u8();
  Bytes own{threshold, groups};
  const BytesView rest = reader.raw(std::size_t{2} * groups);
  own.insert(own.end(), rest.begin(), rest.end());
  auto scheme = decode_scheme(own);
  if (!scheme || scheme->groups.empty()) {
    reader.refuse();
    return {};
  }
  return std::move(*scheme);
}

}  // namespace

Result<> seal_recovery(RecoveryRecord& record, const SecretBytes& secret,
                       const Envelope& envelope) {
  GIMS_TRY_ASSIGN(const Derived derived, derived_from(secret));
  record.public_key = derived.public_key;
  GIMS_TRY_ASSIGN(SecretBytes plain, SecretBytes::zeroed(plain_size));
  std::size_t at = 0;
  for (const SecretBytes* part : {&envelope.root_key, &envelope.site_root, &envelope.server_seed}) {
    if (part->size() != key_size) return damaged("A part of the recovery file is missing.");
    std::ranges::copy(part->bytes(), plain.writable().subspan(at).begin());
    at += key_size;
  }
  std::ranges::copy(hash_of_clear(record, derived.hash_key), plain.writable().subspan(at).begin());
  record.sealed.resize(sealed_size);
  if (crypto_box_seal(record.sealed.data(), plain.bytes().data(), plain.size(),
                      record.public_key.data()) != 0) {
    return fail(ErrorKind::internal, "GIMS_KEYD_INTERNAL", "The recovery file was not sealed.");
  }
  return {};
}

Result<Envelope> open_recovery(const RecoveryRecord& record, const SecretBytes& secret) {
  GIMS_TRY_ASSIGN(const Derived derived, derived_from(secret));
  if (derived.public_key != record.public_key) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_SHARE",
                "These shares are not those of the recovery file, which is of generation " +
                    std::to_string(record.generation) + " of " + record.site.server_name + ".");
  }
  GIMS_TRY_ASSIGN(SecretBytes plain, SecretBytes::zeroed(plain_size));
  if (record.sealed.size() != sealed_size ||
      crypto_box_seal_open(plain.writable().data(), record.sealed.data(), record.sealed.size(),
                           derived.public_key.data(), derived.private_key.bytes().data()) != 0 ||
      !equal_in_constant_time(hash_of_clear(record, derived.hash_key),
                              plain.bytes().last(hash_size))) {
    return damaged("The recovery file was changed: take another copy of it.");
  }
  Envelope envelope;
  std::size_t at = 0;
  for (SecretBytes* part : {&envelope.root_key, &envelope.site_root, &envelope.server_seed}) {
    GIMS_TRY_ASSIGN(*part, SecretBytes::copy_of(plain.bytes().subspan(at, key_size)));
    at += key_size;
  }
  GIMS_TRY_ASSIGN(SecretBytes scalar, envelope.site_root.clone());
  const auto root = p256_from_scalar(std::move(scalar));
  const auto certified = key_of(record.site_root);
  if (!root || !certified || root->public_key != *certified) {
    return damaged("The site root's key in the recovery file is not that of its certificate.");
  }
  return envelope;
}

Result<Bytes> encode_recovery(const RecoveryRecord& record) {
  Bytes room(header_size + max_recovery_file);
  Writer writer(room);
  write_clear(writer, record);
  writer.bytes(record.sealed);
  // A field that found no room is left out: what was written is read again.
  Bytes file(writer.body().begin(), writer.body().end());
  GIMS_TRY(decode_recovery(file));
  return file;
}

Result<RecoveryRecord> decode_recovery(BytesView file) {
  RecoveryRecord record;
  Reader reader(file);
  read_start(reader, magic, file_version);
  record.generation = reader.u32();
  if (record.generation < 1) reader.refuse();
  record.made_at = static_cast<std::int64_t>(reader.u64());
  record.share_set = reader.u16();
  record.scheme = read_scheme(reader);
  const BytesView public_key = reader.raw(record.public_key.size());
  if (reader.good()) std::ranges::copy(public_key, record.public_key.begin());
  const BytesView site = reader.bytes(max_site);
  const BytesView site_root = reader.bytes(max_certificate);
  record.site_root.assign(site_root.begin(), site_root.end());
  record.crl_number = reader.u64();
  const std::uint8_t issued = reader.u8();
  if (issued > max_issuing_cas) reader.refuse();
  for (std::uint8_t i = 0; i < issued && reader.good(); ++i) {
    IssuedCa ca{.serial = read_serial(reader)};
    ca.end = static_cast<std::int64_t>(reader.u64());
    record.issued.push_back(std::move(ca));
  }
  const std::uint8_t revoked = reader.u8();
  if (revoked > max_revoked) reader.refuse();
  for (std::uint8_t i = 0; i < revoked && reader.good(); ++i) {
    Revoked ca{.serial = read_serial(reader)};
    ca.at = static_cast<std::int64_t>(reader.u64());
    record.revoked.push_back(std::move(ca));
  }
  const BytesView sealed = reader.bytes(sealed_size);
  if (sealed.size() != sealed_size) reader.refuse();
  record.sealed.assign(sealed.begin(), sealed.end());
  auto decoded = decode_site(site);
  if (!reader.finish() || !decoded) {
    return damaged(
        "The recovery file is damaged, or of a version that this gims-keyd does not know.");
  }
  record.site = std::move(*decoded);
  return record;
}

Result<> note_issued(RecoveryRecord& record, BytesView certificate, std::int64_t now) {
  GIMS_TRY_ASSIGN(Bytes serial, serial_of(certificate));
  GIMS_TRY_ASSIGN(const std::int64_t end, end_of(certificate));
  std::erase_if(record.issued, [now](const IssuedCa& ca) { return ca.end <= now; });
  if (std::ranges::contains(record.issued, serial, &IssuedCa::serial)) return {};
  if (record.issued.size() >= max_issuing_cas) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_REQUEST",
                "The site has " + std::to_string(max_issuing_cas) +
                    " issuing CAs that did not end yet, and can have no more.");
  }
  record.issued.push_back({.serial = std::move(serial), .end = end});
  return {};
}

void revoke_issued(RecoveryRecord& record, std::int64_t now) {
  for (IssuedCa& ca : record.issued) {
    if (ca.end <= now) continue;
    // The oldest go where there are too many; they are the nearest to their end.
    if (record.revoked.size() >= max_revoked) record.revoked.erase(record.revoked.begin());
    record.revoked.push_back({.serial = std::move(ca.serial), .at = now});
  }
  record.issued.clear();
}

}  // namespace gims::hsm

#include "hsm/core/custody_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "hsm/proto/ceremony_messages.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

SecretBytes root() { return *SecretBytes::copy_of(Bytes(key_size, 8)); }

CustodyRecord some_record() {
  return {.number = 7,
          .made_at = 1'700'000'000,
          .vault_kind = "fake",
          .vault_blob = Bytes(300, 1),
          .site = test::site_parameters(),
          .server_seed = Bytes(72, 2),
          .site_root = Bytes(500, 4),
          .issuing_ca = Bytes(500, 5),
          .crl = Bytes(300, 6),
          .former_cas = {{.vault_blob = Bytes(200, 8), .certificate = Bytes(400, 9), .until = 12}},
          .revoked_devices = {{.serial = {1, 2}, .at = 3}, {.serial = {4}, .at = 5}},
          .recovery = Bytes(2000, 7),
          .administrators = Bytes(100, 10)};
}

TEST(CustodyFile, ComesBackAsItWas) {
  const auto file = encode_custody(some_record(), root());
  ASSERT_TRUE(file);
  const auto record = decode_custody(*file);
  ASSERT_TRUE(record);
  EXPECT_TRUE(check_custody(*file, root()));
  EXPECT_EQ(record->made_at, 1'700'000'000);
  EXPECT_EQ(record->vault_kind, "fake");
  EXPECT_EQ(record->vault_blob, Bytes(300, 1));
  EXPECT_EQ(record->site, test::site_parameters());
  EXPECT_EQ(record->server_seed, Bytes(72, 2));
  EXPECT_EQ(record->site_root, Bytes(500, 4));
  EXPECT_EQ(record->issuing_ca, Bytes(500, 5));
  EXPECT_EQ(record->number, 7U);
  EXPECT_EQ(record->crl, Bytes(300, 6));
  EXPECT_EQ(record->administrators, Bytes(100, 10));
  EXPECT_EQ(record->recovery, Bytes(2000, 7));
  ASSERT_EQ(record->former_cas.size(), 1U);
  EXPECT_EQ(record->former_cas[0].vault_blob, Bytes(200, 8));
  EXPECT_EQ(record->former_cas[0].certificate, Bytes(400, 9));
  EXPECT_EQ(record->former_cas[0].until, 12);
  EXPECT_EQ(record->revoked_devices, some_record().revoked_devices);
}

TEST(CustodyFile, WhatCouldNotBeReadAgainIsNotWritten) {
  CustodyRecord record = some_record();
  record.revoked_devices.assign(max_revoked_devices, {.serial = Bytes(max_serial, 1), .at = 1});
  const auto full = encode_custody(record, root());
  ASSERT_TRUE(full) << full.error().text;
  EXPECT_TRUE(decode_custody(*full));
  record.former_cas.assign(max_former_cas, {.vault_blob = Bytes(std::size_t{16} * 1024, 1),
                                            .certificate = Bytes(max_certificate, 2),
                                            .until = 1});
  record.recovery = Bytes(max_recovery_file, 3);
  const auto refused = encode_custody(record, root());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::too_large);
  record.revoked_devices.resize(max_revoked_devices + 1);
  record.former_cas.clear();
  record.recovery.clear();
  EXPECT_FALSE(decode_custody(*encode_custody(record, root())));
}

TEST(CustodyFile, EveryBitIsUnderTheMac) {
  const Bytes file = *encode_custody(some_record(), root());
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes changed = file;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(check_custody(changed, root())) << "bit " << bit;
  }
  EXPECT_FALSE(check_custody(file, *SecretBytes::copy_of(Bytes(key_size, 9))));
}

TEST(CustodyFile, CutAtAnyLengthIsRefused) {
  const Bytes file = *encode_custody(some_record(), root());
  for (std::size_t size = 0; size < file.size(); ++size) {
    const BytesView cut = BytesView(file).first(size);
    EXPECT_FALSE(decode_custody(cut)) << size;
    EXPECT_FALSE(check_custody(cut, root())) << size;
  }
  Bytes longer = file;
  longer.push_back(0);
  EXPECT_FALSE(decode_custody(longer));
}

TEST(StateFile, ComesBackAndEveryBitIsUnderTheMac) {
  const KeptState kept{.number = 9,
                       .custody = 3,
                       .audit = {.sequence = 77, .hash = {1, 2, 3}},
                       .store_position = 1234};
  const Bytes file = *encode_state(kept, root());
  const auto back = decode_state(file, root());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->number, kept.number);
  EXPECT_EQ(back->custody, kept.custody);
  EXPECT_EQ(back->audit, kept.audit);
  EXPECT_EQ(back->store_position, kept.store_position);
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes changed = file;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(decode_state(changed, root())) << "bit " << bit;
  }
}

TEST(StateFolder, IsItsOwnersAloneAndHasOneUser) {
  const test::TempFolder temp;
  const std::string path = (temp / "state").string();
  {
    const auto folder = StateFolder::open(path);
    ASSERT_TRUE(folder);
    struct stat about{};
    ASSERT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777U, 0700U);
    const auto second = StateFolder::open(path);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().text.find("Another gims-keyd"), std::string::npos);
  }
  EXPECT_TRUE(StateFolder::open(path));
  ASSERT_EQ(::chmod(path.c_str(), 0750), 0);
  const auto open_to_others = StateFolder::open(path);
  ASSERT_FALSE(open_to_others);
  EXPECT_EQ(open_to_others.error().code, "GIMS_KEYD_STORAGE");
  EXPECT_FALSE(StateFolder::open((temp / "no/such").string()));
}

TEST(StateFolder, WritesReadsAndDestroys) {
  const test::TempFolder temp;
  const auto folder = StateFolder::open((temp / "state").string());
  ASSERT_TRUE(folder);
  const auto none = folder->read(StateFolder::state);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  ASSERT_TRUE(folder->write(StateFolder::state, Bytes{1, 2}));
  const auto some = folder->read(StateFolder::state);
  ASSERT_TRUE(some && *some);
  EXPECT_EQ(**some, (Bytes{1, 2}));
  struct stat about{};
  ASSERT_EQ(::stat((temp / "state/state.bin").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);

  // A second name for the file's bytes shows that they are overwritten, not only unlinked.
  std::filesystem::create_hard_link(temp / "state/state.bin", temp / "kept");
  EXPECT_TRUE(folder->destroy(StateFolder::state));
  EXPECT_FALSE(std::filesystem::exists(temp / "state/state.bin"));
  EXPECT_EQ(test::read_bytes(temp / "kept"), (Bytes{0, 0}));
  EXPECT_TRUE(folder->destroy(StateFolder::state));
}

}  // namespace
}  // namespace gims::hsm

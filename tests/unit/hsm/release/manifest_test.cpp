#include "hsm/release/manifest.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "hsm/ca/hex.hpp"
#include "hsm/release/commands.hpp"
#include "hsm/release/key_file.hpp"
#include "support/attest_unit.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::release {
namespace {

using test::digest_of;

const P256Key& key() { return test::release_key(); }

ReleaseSigner by(const P256Key& signing) {
  return [&signing](const Digest& digest) { return p256_sign(signing, digest); };
}

Manifest some_manifest() {
  return {
      .number = 7,
      .name = "GIMS 1.4.0",
      .key = key().public_key,
      .pcrs = {
          {.pcr = 7,
           .name = "state of Secure Boot",
           .values = {digest_of("on"), digest_of("on, new keys")},
           .events = {}},
          {.pcr = 11,
           .name = "unified kernel image",
           .values = {},
           .events = {{.name = "kernel", .digests = {digest_of("kernel")}, .may_be_missing = false},
                      phase_event("enter-initrd")}}}};
}

TEST(ReleaseManifest, IsReadAsItWasSigned) {
  const auto file = sign_manifest(some_manifest(), by(key()));
  ASSERT_TRUE(file) << file.error().text;
  const auto read = decode_manifest(*file);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, some_manifest());
}

TEST(ReleaseManifest, OneCharacterChangedIsRefused) {
  const std::string file = *sign_manifest(some_manifest(), by(key()));
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string changed = file;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(decode_manifest(changed)) << "at " << i << ": " << changed.substr(i, 20);
  }
}

TEST(ReleaseManifest, ASignatureOfAnotherKeyIsNotWritten) {
  const P256Key other = *generate_p256();
  EXPECT_FALSE(sign_manifest(some_manifest(), by(other)));
}

TEST(ReleaseManifest, WhatWouldSayNothingOrTooMuchIsNotWritten) {
  const auto refused = [](const auto& change) {
    Manifest manifest = some_manifest();
    change(manifest);
    return !sign_manifest(manifest, by(key()));
  };
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.number = 0; }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.name = "two\nlines"; }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs.clear(); }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[1].pcr = 7; }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[1].pcr = 16; }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[0].values.clear(); }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[0].values.resize(17); }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[1].values.resize(1); }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[1].events[0].digests.clear(); }));
  EXPECT_TRUE(refused([](Manifest& manifest) { manifest.pcrs[1].events[0].name = ""; }));
  EXPECT_TRUE(refused([](Manifest& manifest) {
    manifest.pcrs[1].events.resize(max_manifest_events + 1, phase_event("x"));
  }));
}

TEST(ReleaseManifest, IsWrittenByTheReleasesBuilder) {
  const test::TempFolder folder;
  const auto made = test::run_command(
      {"sh", "-euc",
       "cd " + folder.path().string() +
           "; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"});
  ASSERT_EQ(made.status, 0) << made.output;
  std::ofstream(folder / "linux") << "kernel";
  const std::string one = hex(digest_of("one"));
  ManifestArguments arguments{
      .key_file = folder.file("key.pem"),
      .number = 3,
      .name = "GIMS 0.3",
      .values = {"12:command lines from elsewhere=none", "7:Secure Boot=" + one},
      .events = {"4:boot loader=" + one + "," + one},
      .sections = {".linux=" + folder.file("linux")},
      .phases = {"enter-initrd"},
      .out_file = folder.file("manifest")};
  const auto told = run_manifest(arguments);
  ASSERT_TRUE(told) << told.error().text;
  std::ifstream in(folder / "manifest");
  const auto manifest = decode_manifest(std::string(std::istreambuf_iterator<char>(in), {}));
  ASSERT_TRUE(manifest) << manifest.error().text;
  EXPECT_EQ(manifest->number, 3U);
  ASSERT_EQ(manifest->pcrs.size(), 4U);
  EXPECT_EQ(manifest->pcrs[0].pcr, 4);
  EXPECT_EQ(manifest->pcrs[0].events[0].digests.size(), 2U);
  EXPECT_EQ(manifest->pcrs[1].values, std::vector<Sha256>{digest_of("one")});
  EXPECT_EQ(manifest->pcrs[2].pcr, 11);
  ASSERT_EQ(manifest->pcrs[2].events.size(), 3U);
  // The section's name as systemd-stub measures it, with a zero; then its content.
  EXPECT_EQ(manifest->pcrs[2].events[0].digests[0], digest_of(std::string_view(".linux", 7)));
  EXPECT_EQ(manifest->pcrs[2].events[1].digests[0], digest_of("kernel"));
  EXPECT_TRUE(manifest->pcrs[2].events[2].may_be_missing);
  EXPECT_EQ(manifest->pcrs[3].values, std::vector<Sha256>{Sha256{}});
  for (const char* wrong :
       {"7=aa", "7:name", "7:name=zz", "x:name=none", ":name=none", "7:name="}) {
    arguments.values = {wrong};
    EXPECT_FALSE(run_manifest(arguments)) << wrong;
  }
  arguments.values.clear();
  arguments.sections = {".linux=" + folder.file("nothing")};
  EXPECT_FALSE(run_manifest(arguments));
}

}  // namespace
}  // namespace gims::hsm::release

#include "hsm/release/release_policy.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "hsm/ca/hex.hpp"
#include "hsm/ca/p256.hpp"
#include "support/process.hpp"
#include "support/swtpm.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::release {
namespace {

ReleaseSigner by(const P256Key& key) {
  return [&key](const Digest& digest) { return p256_sign(key, digest); };
}

ReleasePolicy unsigned_policy(const P256Key& key, std::uint64_t number) {
  return {.number = number,
          .key = key.public_key,
          .boots = {{.name = "one", .pcr = sha256({}), .signature = {}},
                    {.name = "two", .pcr = Sha256{}, .signature = {}}},
          .first_write = {},
          .raise = {}};
}

TEST(ReleasePolicy, IsReadAsItWasSigned) {
  const P256Key key = *generate_p256();
  const auto made = sign_policy(unsigned_policy(key, 7), by(key));
  ASSERT_TRUE(made) << made.error().text;
  const auto read = decode_policy(encode_policy(*made));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->number, 7U);
  EXPECT_EQ(read->key, key.public_key);
  ASSERT_EQ(read->boots.size(), 2U);
  EXPECT_EQ(read->boots[0].name, "one");
  EXPECT_EQ(read->boots[0].pcr, sha256({}));
}

TEST(ReleasePolicy, OneBitChangedIsRefused) {
  const P256Key key = *generate_p256();
  const Bytes file = encode_policy(*sign_policy(unsigned_policy(key, 7), by(key)));
  const auto names = [&](std::size_t at) {  // what a boot is called is not signed
    const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
    for (const std::string_view name : {"one", "two"}) {
      const std::size_t start = text.find(name);
      if (at >= start && at < start + name.size()) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < file.size(); ++i) {
    if (names(i)) continue;
    Bytes changed = file;
    changed[i] ^= 1U;
    EXPECT_FALSE(decode_policy(changed)) << "byte " << i;
  }
}

TEST(ReleasePolicy, WhatIsCutOrTooLongIsRefused) {
  const P256Key key = *generate_p256();
  Bytes file = encode_policy(*sign_policy(unsigned_policy(key, 7), by(key)));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(decode_policy(BytesView(file).first(size))) << size;
  }
  file.push_back(0);
  EXPECT_FALSE(decode_policy(file));
  EXPECT_FALSE(decode_policy(Bytes(max_policy_file + 1)));
}

TEST(ReleasePolicy, ASignatureOfAnotherKeyIsNotWritten) {
  const P256Key key = *generate_p256();
  const P256Key other = *generate_p256();
  const auto made = sign_policy(unsigned_policy(key, 7), by(other));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "GIMS_RELEASE_POLICY");
}

TEST(ReleasePolicy, EachPurposeHasASignatureOfItsOwn) {
  const P256Key key = *generate_p256();
  auto policy = *sign_policy(unsigned_policy(key, 7), by(key));
  std::swap(policy.first_write, policy.raise);
  EXPECT_FALSE(decode_policy(encode_policy(policy)));
}

// What tpm2-tools and a TPM make of the same policies.
class AgainstATpm : public ::testing::Test {
 protected:
  std::string run(const std::string& script) {
    const auto result = test::run_command(
        {"sh", "-euc",
         "cd " + folder_.path().string() + "; export TPM2TOOLS_TCTI=" + tpm_.tcti() +
             "; flush() { tpm2_flushcontext -t; tpm2_flushcontext -l; }; " + script});
    EXPECT_EQ(result.status, 0) << result.output;
    return result.output;
  }
  void write(const char* name, BytesView bytes) const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  test::Swtpm tpm_;
  test::TempFolder folder_;
  const P256Key key_ = *generate_p256();
};

TEST_F(AgainstATpm, TheKeysNameAndTheIndexsPolicyAreTheSame) {
  // TPM2B_PUBLIC: a size, then the area.
  Bytes area = key_public_area(key_.public_key);
  Bytes whole{static_cast<std::uint8_t>(area.size() >> 8U), static_cast<std::uint8_t>(area.size())};
  whole.insert(whole.end(), area.begin(), area.end());
  write("key.pub", whole);
  write("zeros", Sha256{});
  write("ref",
        {reinterpret_cast<const std::uint8_t*>(index_policy_ref.data()), index_policy_ref.size()});
  const std::string output = run(
      "tpm2_loadexternal -Q -C o -u key.pub -c key.ctx -n key.name; flush;"
      "xxd -p -c 100 key.name 2>/dev/null || od -An -v -tx1 key.name | tr -d ' \\n'; echo;"
      "tpm2_startauthsession -Q -S s.ctx;"
      "tpm2_policyauthorize -Q -S s.ctx -i zeros -q ref -n key.name -L p; tpm2_flushcontext s.ctx;"
      "od -An -v -tx1 p | tr -d ' \\n'");
  EXPECT_NE(output.find(hex(key_name(key_.public_key))), std::string::npos) << output;
  EXPECT_NE(output.find(hex(index_policy(key_.public_key))), std::string::npos) << output;
}

}  // namespace
}  // namespace gims::hsm::release

#include "hsm/pkcs11/module.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "hsm/pkcs11/blob.hpp"
#include "hsm/pkcs11/errors.hpp"
#include "support/softhsm.hpp"

namespace gims::hsm::pkcs11 {
namespace {

TEST(Pkcs11Module, IsLoadedByEitherInterface) {
  const auto old = Module::load(test::SoftHsm::module);
  ASSERT_TRUE(old) << old.error().text;
  EXPECT_EQ((*old)->version(), "2.40");
  const auto newer = Module::load(GIMS_FAULTY_MODULE);
  ASSERT_TRUE(newer) << newer.error().text;
  EXPECT_EQ((*newer)->version(), "3.0");
}

TEST(Pkcs11Module, WhatIsNoModuleIsNamed) {
  const auto missing = Module::load("/nowhere/module.so");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::unavailable);
  EXPECT_NE(missing.error().text.find("/nowhere/module.so"), std::string::npos);
  const auto other = Module::load("libc.so.6");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text.find("no PKCS#11 module"), std::string::npos);
}

TEST(Pkcs11Module, OnlyTheVersionsThatAreKnownAreTaken) {
  for (const auto& [version, good] :
       {std::pair{"2.40", true}, std::pair{"3.0", true}, std::pair{"3.1", true},
        std::pair{"2.20", false}, std::pair{"2.39", false}, std::pair{"1.0", false},
        std::pair{"4.0", false}, std::pair{"incomplete", false}}) {
    ::setenv("GIMS_MODULE_FORM", version, 1);
    const auto module = Module::load(GIMS_FAULTY_MODULE);
    EXPECT_EQ(module.has_value(), good) << version;
    if (!good && !module) {
      EXPECT_NE(module.error().text.find("cannot be used"), std::string::npos);
    }
  }
  ::unsetenv("GIMS_MODULE_FORM");
  EXPECT_TRUE(Module::load(GIMS_FAULTY_MODULE));
}

TEST(Pkcs11Module, StartsAgainAfterItsEnd) {
  const test::SoftHsm hsm;
  const auto module = Module::load(test::SoftHsm::module);
  ASSERT_TRUE(module);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE((*module)->initialize());
    EXPECT_TRUE((*module)->initialize()) << "it is already";
    EXPECT_GE((*module)->slots()->size(), 1U);
    (*module)->finalize();
    EXPECT_FALSE((*module)->slots());
  }
}

TEST(Pkcs11Errors, SayTheirNameAndWhatItMeans) {
  EXPECT_EQ(name_of(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
  EXPECT_EQ(name_of(0x80000001), "CKR_0x80000001");
  const Error removed = error_of(CKR_DEVICE_REMOVED, "C_Sign");
  EXPECT_EQ(removed.kind, ErrorKind::unavailable);
  EXPECT_EQ(removed.code, "GIMS_KEYD_AWAY");
  EXPECT_EQ(removed.text, "The token is not in its slot (CKR_DEVICE_REMOVED).");
  EXPECT_EQ(removed.detail, "C_Sign: CKR_DEVICE_REMOVED");
  EXPECT_EQ(error_of(CKR_PIN_LOCKED, "C_Login").kind, ErrorKind::forbidden);
  EXPECT_EQ(error_of(CKR_PIN_LOCKED, "C_Login").code, "GIMS_KEYD_AWAY");
  EXPECT_EQ(error_of(CKR_DEVICE_MEMORY, "C_CreateObject").kind, ErrorKind::internal);
  EXPECT_EQ(error_of(CKR_DEVICE_MEMORY, "C_CreateObject").code, "GIMS_KEYD_CUSTODY");
  EXPECT_EQ(error_of(0x80000001, "C_Sign").text, "The HSM failed (CKR_0x80000001).");
}

TEST(Pkcs11Errors, WhatIsLostIsNeverAboutThePin) {
  for (CK_RV value = 0; value <= CKR_FUNCTION_REJECTED; ++value) {
    EXPECT_FALSE(is_lost(value) && is_about_the_pin(value)) << name_of(value);
  }
  for (const CK_RV value :
       {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR}) {
    EXPECT_TRUE(is_lost(value)) << name_of(value);
  }
}

TEST(Pkcs11Blob, HasOneForm) {
  for (const Wrapping wrapping : {Wrapping::gcm, Wrapping::key_wrap_pad}) {
    Blob blob;
    blob.head.wrapping = wrapping;
    if (wrapping == Wrapping::gcm) blob.head.server_public = Ed25519Point{5};
    blob.head.ca = {1, 2, 3};
    if (wrapping == Wrapping::gcm) blob.nonce = Bytes(nonce_size, 7);
    blob.wrapped = Bytes(40, 9);
    const Bytes bytes = encode(blob);
    const auto decoded = decode_blob(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(encode(*decoded), bytes);
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_blob(longer));
    for (const std::uint8_t wrong : Bytes{0, 3, 255}) {
      Bytes changed = bytes;
      changed[1] = wrong;
      EXPECT_FALSE(decode_blob(changed));
    }
    // The other wrapping's length of the nonce.
    Bytes other = bytes;
    other[1] = static_cast<std::uint8_t>(3 - other[1]);
    EXPECT_FALSE(decode_blob(other));
  }
}

}  // namespace
}  // namespace gims::hsm::pkcs11

#include "hsm/ca/csr.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "hsm/ca/x509.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

class Requests : public ::testing::Test {
 protected:
  // What openssl makes of `options`, DER.
  Bytes request(const std::vector<std::string>& options) {
    std::vector<std::string> words{"openssl",  "req",     "-new",    "-nodes",
                                   "-subj",    "/CN=any", "-keyout", folder_.file("key"),
                                   "-outform", "DER",     "-out",    folder_.file("request")};
    words.insert(words.end(), options.begin(), options.end());
    const auto result = test::run_command(words);
    EXPECT_EQ(result.status, 0) << result.output;
    std::ifstream in(folder_.file("request"), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Bytes p256_request() {
    return request({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256"});
  }

  test::TempFolder folder_;
};

TEST_F(Requests, TheKeyIsTheOneThatOpensslMade) {
  const Bytes der = p256_request();
  const auto key = key_of_request(der);
  ASSERT_TRUE(key) << key.error().text;
  // The point stands in the request as it is.
  EXPECT_NE(std::search(der.begin(), der.end(), key->begin(), key->end()), der.end());
}

TEST_F(Requests, AnotherKindOfKeyIsRefused) {
  EXPECT_FALSE(
      key_of_request(request({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha256"})));
  EXPECT_FALSE(key_of_request(request({"-newkey", "rsa:2048", "-sha256"})));
}

TEST_F(Requests, AnotherHashIsRefused) {
  const auto key =
      key_of_request(request({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha384"}));
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().text.find("SHA-256"), std::string::npos);
}

TEST_F(Requests, OneBitChangedIsRefused) {
  const Bytes der = p256_request();
  for (std::size_t i = 0; i < der.size(); ++i) {
    Bytes changed = der;
    changed[i] ^= 1U;
    EXPECT_FALSE(key_of_request(changed)) << "byte " << i;
  }
}

TEST_F(Requests, AFileHoldsItAsPemOrDer) {
  const Bytes der = p256_request();
  EXPECT_EQ(*request_in(der), der);
  for (const char* label : {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}) {
    std::string pem = "Whatever is said before it.\n" + x509::to_pem(label, der);
    EXPECT_EQ(*request_in({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()}), der);
    pem.insert(pem.find("-----\n") + 10, "*");
    EXPECT_FALSE(request_in({reinterpret_cast<const std::uint8_t*>(pem.data()), pem.size()}));
  }
}

TEST_F(Requests, WhatIsCutOrFollowedByMoreIsRefused) {
  Bytes der = p256_request();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(key_of_request(BytesView(der).first(size))) << size;
  }
  der.push_back(0);
  EXPECT_FALSE(key_of_request(der));
  EXPECT_FALSE(key_of_request(Bytes(max_request + 1, 0x30)));
}

}  // namespace
}  // namespace gims::hsm

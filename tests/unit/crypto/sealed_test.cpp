#include "crypto/sealed.hpp"

#include <gtest/gtest.h>

namespace gims::crypto {
namespace {

class Sealed : public testing::Test {
 protected:
  SecretBytes key_ = SecretBytes::copy_of(Bytes(32, 7)).value();
  SecretBytes other_key_ = SecretBytes::copy_of(Bytes(32, 8)).value();
  ByteView context_ = as_bytes("users/secret/@asha:gims.internal");
};

TEST_F(Sealed, OpensWithTheSameKeyAndContext) {
  const Bytes sealed = seal(key_, context_, as_bytes("value"));
  EXPECT_EQ(sealed.size(), 5 + seal_overhead);
  EXPECT_EQ(as_text(open(key_, context_, sealed).value()), "value");
  EXPECT_EQ(as_text(open_secret(key_, context_, sealed).value().bytes()), "value");
  EXPECT_EQ(open(key_, context_, seal(key_, context_, {})).value(), Bytes());
}

TEST_F(Sealed, DoesNotOpenElsewhere) {
  const Bytes sealed = seal(key_, context_, as_bytes("value"));
  EXPECT_FALSE(open(other_key_, context_, sealed));
  EXPECT_FALSE(open(key_, as_bytes("users/secret/@other:gims.internal"), sealed));
}

TEST_F(Sealed, DoesNotOpenWithAnyByteChanged) {
  const Bytes sealed = seal(key_, context_, as_bytes("value"));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1U;
    EXPECT_FALSE(open(key_, context_, changed)) << i;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open(key_, context_, ByteView(sealed).first(size))) << size;
  }
}

TEST_F(Sealed, NeverSealsTheSameWayTwice) {
  EXPECT_NE(seal(key_, context_, as_bytes("value")), seal(key_, context_, as_bytes("value")));
}

}  // namespace
}  // namespace gims::crypto

// A release's policy for the software TPMs of tests, whose PCRs hold nothing but zeros.
#pragma once

#include "base/check.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/release/release_policy.hpp"

namespace gims::test {

// The same key in every test: what it protects is nothing.
inline const hsm::P256Key& release_key() {
  static const hsm::P256Key key =
      *hsm::p256_from_scalar(*SecretBytes::copy_of(hsm::Bytes(32, 0x11)));
  return key;
}

inline hsm::release::ReleasePolicy release_policy(std::uint64_t number,
                                                  const hsm::release::Sha256& pcr = {},
                                                  const hsm::P256Key& key = release_key()) {
  hsm::release::ReleasePolicy policy;
  policy.number = number;
  policy.key = key.public_key;
  policy.boots.push_back({.name = "test", .pcr = pcr, .signature = {}});
  auto made = hsm::release::sign_policy(
      std::move(policy), [&](const hsm::Digest& digest) { return hsm::p256_sign(key, digest); });
  GIMS_CHECK(made.has_value());
  return std::move(*made);
}

}  // namespace gims::test

// The server's certificate and its key, and where they come from.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"

namespace gims::tls {

struct Leaf {
  SecretBytes private_key;                       // DER: SEC1 or PKCS#8, a P-256 key
  std::vector<std::vector<std::uint8_t>> chain;  // DER, the leaf first
  Millis not_before = 0;
  Millis not_after = 0;
};

// Gives a leaf that is good from now on. Each call makes (or reads) a new one; it may take as long
// as a TPM needs. Thread: one at a time.
class LeafSource {
 public:
  LeafSource() = default;
  LeafSource(const LeafSource&) = delete;
  LeafSource& operator=(const LeafSource&) = delete;
  virtual ~LeafSource() = default;
  [[nodiscard]] virtual Result<Leaf> obtain() = 0;
};

}  // namespace gims::tls

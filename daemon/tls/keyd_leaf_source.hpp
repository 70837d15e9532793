// Leaves that gims-keyd signs.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tls/leaf.hpp"

namespace gims::hsm {
class Client;
}

namespace gims::tls {

// Makes a new P-256 key in memory for each leaf; the key never leaves this process. Fails with the
// codes of hsm::Client; GIMS_KEYD_GONE when gims-keyd is not there, or while one of the descriptors
// `stop`, which outlive it, is readable. Thread: one at a time.
class KeydLeafSource final : public LeafSource {
 public:
  KeydLeafSource(std::string socket_path, std::chrono::seconds lifetime,
                 std::vector<int> stop = {});
  KeydLeafSource(const KeydLeafSource&) = delete;
  KeydLeafSource& operator=(const KeydLeafSource&) = delete;
  ~KeydLeafSource() override;
  [[nodiscard]] Result<Leaf> obtain() override;
  // Whether gims-keyd can sign now; the failure's text names its state otherwise ("gims-keyd is
  // locked: ...").
  [[nodiscard]] Result<> ready();

 private:
  Result<> connect();
  const std::string path_;
  const std::chrono::seconds lifetime_;
  const std::vector<int> stop_;
  std::unique_ptr<hsm::Client> client_;
};

}  // namespace gims::tls

// A leaf from two PEM files: for the test site alone, where there is no gims-keyd.
#pragma once

#include <string>

#include "tls/leaf.hpp"

namespace gims::tls {

// Reads both files at each obtain(), so that a certificate replaced on the disk is taken up at half
// of the old one's life.
class FileLeafSource final : public LeafSource {
 public:
  FileLeafSource(std::string certificate_path, std::string key_path);
  // Fails when a file cannot be read or is not what it should be; the detail says which.
  [[nodiscard]] Result<Leaf> obtain() override;

 private:
  std::string certificate_path_;
  std::string key_path_;
};

}  // namespace gims::tls

// The folder in memory from which systemd hands the services around the daemons their credentials.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace gims::hsm {

// Holds nothing open. Thread: any.
class SiteFiles {
 public:
  // Fails (bad_input, GIMS_KEYD_REQUEST) for a folder that others than this user can look into or
  // write, or that is not in memory (tmpfs, ramfs): keys are written there as they are.
  [[nodiscard]] static Result<SiteFiles> open(const std::string& folder);

  // Replaces the file as a whole, for this user alone to read (and root), where it holds anything
  // else. True: it did.
  [[nodiscard]] Result<bool> put(std::string_view name, const SecretBytes& contents) const;

 private:
  explicit SiteFiles(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace gims::hsm

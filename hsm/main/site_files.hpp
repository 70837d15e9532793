// Folders in memory for the services around the daemons: one from which systemd hands each of them
// its credentials, one that they read themselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.hpp"

namespace gims::hsm {

// Holds nothing open. Thread: any.
class SiteFiles {
 public:
  enum class Readers : std::uint8_t { this_user, everyone };
  // Fails (bad_input, GIMS_KEYD_REQUEST) for a folder that others than this user can write, or look
  // into where it is for this user, or that is not in memory (tmpfs, ramfs): keys are written there
  // as they are.
  [[nodiscard]] static Result<SiteFiles> open(const std::string& folder, Readers readers);

  // Of a file that was put; fails where there is none, or it is longer than a certificate or key.
  [[nodiscard]] Result<SecretBytes> get(std::string_view name) const;
  // Replaces the file as a whole where it holds anything else. True: it did.
  [[nodiscard]] Result<bool> put(std::string_view name, const SecretBytes& contents) const;

 private:
  SiteFiles(std::string folder, Readers readers) : folder_(std::move(folder)), readers_(readers) {}
  [[nodiscard]] std::string path_of(std::string_view name) const;
  std::string folder_;
  Readers readers_;
};

}  // namespace gims::hsm

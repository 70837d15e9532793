// Shares in files: for development, and for what prints them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

inline constexpr std::size_t max_share_file = std::size_t{160} * 1024;  // 256 shares, and comments

// The shares of a file, one a line, in locked memory. Empty lines and those that begin with # are
// none. Movable.
class ShareFile {
 public:
  // Fails with the code of errno, or (bad_input, GIMS_KEYD_REQUEST) for a file that is too long.
  [[nodiscard]] static Result<ShareFile> read(const std::string& path);
  [[nodiscard]] const std::vector<std::string_view>& shares() const noexcept { return shares_; }

 private:
  explicit ShareFile(SecretBytes text);
  SecretBytes text_;
  std::vector<std::string_view> shares_;  // point into it
};

// A new file (mode 0600) that takes shares one by one. Unless kept, it is removed.
class ShareFileWriter {
 public:
  // Fails (EEXIST) where there is one: no shares are written over others.
  [[nodiscard]] static Result<ShareFileWriter> create(const std::string& path);
  ShareFileWriter(ShareFileWriter&& other) noexcept
      : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  ShareFileWriter& operator=(ShareFileWriter&&) = delete;
  ShareFileWriter(const ShareFileWriter&) = delete;
  ShareFileWriter& operator=(const ShareFileWriter&) = delete;
  ~ShareFileWriter();

  [[nodiscard]] Result<> add(const std::string& comment, std::string_view words);
  // All of it is on the disk.
  [[nodiscard]] Result<> sync();
  void keep() noexcept { path_.clear(); }

 private:
  ShareFileWriter(std::string path, sys::Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;  // empty: kept, or moved away
  sys::Fd fd_;
};

}  // namespace gims::hsm

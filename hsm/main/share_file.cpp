#include "hsm/main/share_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sys/errno.hpp"
#include "sys/secret_file.hpp"

namespace gims::hsm {

ShareFile::ShareFile(SecretBytes text) : text_(std::move(text)) {
  std::string_view rest{reinterpret_cast<const char*>(text_.bytes().data()), text_.size()};
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#') continue;
    shares_.push_back(line);
  }
}

Result<ShareFile> ShareFile::read(const std::string& path) {
  auto text = sys::read_secret_file(path, max_share_file);
  if (!text && text.error().code == "EFBIG") {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                path + " is too long for a file of shares, one a line.");
  }
  if (!text) return pass(std::move(text));
  return ShareFile(std::move(*text));
}

Result<ShareFileWriter> ShareFileWriter::create(const std::string& path) {
  sys::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return sys::fail_errno("make " + path);
  return ShareFileWriter(path, std::move(fd));
}

ShareFileWriter::~ShareFileWriter() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<> ShareFileWriter::add(const std::string& comment, std::string_view words) {
  const std::string head = "# " + comment + "\n";
  for (std::string_view part : {std::string_view(head), words, std::string_view("\n")}) {
    while (!part.empty()) {
      const ssize_t wrote = ::write(fd_.get(), part.data(), part.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return sys::fail_errno("write " + path_);
      part.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }
  return {};
}

Result<> ShareFileWriter::sync() {
  if (::fsync(fd_.get()) != 0) return sys::fail_errno("fsync " + path_);
  return {};
}

}  // namespace gims::hsm

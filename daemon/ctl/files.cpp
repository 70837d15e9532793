#include "ctl/files.hpp"

#include "crypto/bytes.hpp"
#include "sys/atomic_file.hpp"

namespace gims::ctl {

Result<std::string> read_text(const std::string& file, std::size_t most) {
  const auto bytes = sys::read_file(file, most);
  if (bytes) return std::string(crypto::as_text(*bytes));
  return fail(ErrorKind::bad_input, bytes.error().code,
              file + " cannot be read (" + bytes.error().code + ").");
}

Result<> write_text(const std::string& file, std::string_view text, mode_t mode) {
  const auto wrote = sys::write_file_atomically(file, crypto::as_bytes(text), mode);
  if (wrote) return {};
  return fail(ErrorKind::bad_input, wrote.error().code,
              file + " cannot be written (" + wrote.error().code + ").");
}

}  // namespace gims::ctl

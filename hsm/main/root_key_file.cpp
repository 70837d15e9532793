#include "hsm/main/root_key_file.hpp"

#include "hsm/proto/messages.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm {

Result<SecretBytes> read_root_key(const std::string& path) {
  auto key = sys::read_secret_file(path, key_size);
  if (!key && key.error().code != "EFBIG") return key;
  if (!key || key->size() != key_size) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                path + " must hold exactly 32 bytes, the root key.");
  }
  return key;
}

}  // namespace gims::hsm

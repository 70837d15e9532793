#include "testsite/keys.hpp"

#include <algorithm>
#include <array>

#include "sys/atomic_file.hpp"

namespace gims::testsite {
namespace {

constexpr std::size_t key_count = 6;
constexpr std::size_t file_size = key_count * hsm::key_size;

}  // namespace

Result<hsm::DataKeys> load_keys(const std::filesystem::path& folder) {
  const std::string path = folder / "keys";
  auto bytes = sys::read_file(path, file_size);
  if (!bytes && bytes.error().code == "ENOENT") {
    GIMS_TRY_ASSIGN(const auto fresh, SecretBytes::random(file_size));
    GIMS_TRY(sys::write_file_atomically(path, fresh.bytes(), 0600));
    bytes = sys::read_file(path, file_size);
  }
  if (!bytes) return pass(std::move(bytes));
  if (bytes->size() != file_size) {
    return fail(ErrorKind::bad_input, "TESTSITE_KEYS", "The file " + path + " is not a key file.");
  }
  hsm::DataKeys keys;
  const std::array<SecretBytes*, key_count> places{&keys.data,  &keys.media,  &keys.token_hash,
                                                   &keys.audit, &keys.backup, &keys.pepper};
  std::span<const std::uint8_t> rest(*bytes);
  for (SecretBytes* place : places) {
    GIMS_TRY_ASSIGN(*place, SecretBytes::copy_of(rest.first(hsm::key_size)));
    rest = rest.subspan(hsm::key_size);
  }
  return keys;
}

}  // namespace gims::testsite

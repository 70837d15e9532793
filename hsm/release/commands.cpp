#include "hsm/release/commands.hpp"

#include <sodium.h>

#include "base/wipe.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/release/key_file.hpp"
#include "hsm/release/release_policy.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm::release {
namespace {

constexpr mode_t for_everyone = 0644;

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_RELEASE_POLICY", text);
}

template <class T>
Result<T> about(const std::string& file, Result<T> result) {
  if (!result) result.error().text = file + ": " + result.error().text;
  return result;
}

Result<Bytes> read(const std::string& file, std::size_t most) {
  auto bytes = sys::read_file(file, most);
  if (!bytes) return refused(file + " cannot be read (" + bytes.error().code + ").");
  return bytes;
}

Result<P256Key> read_key(const std::string& file) {
  GIMS_TRY_ASSIGN(Bytes pem, read(file, max_key_file));
  auto key = about(file, private_key_from_pem(pem));
  wipe(pem);
  return key;
}

Result<Boot> boot_of(const std::string& argument) {
  const std::size_t split = argument.rfind('=');
  Boot boot;
  std::size_t size = 0;
  const char* end = nullptr;
  if (split == std::string::npos || split == 0 || split > max_boot_name ||
      argument.size() - split - 1 != 2 * boot.pcr.size() ||
      sodium_hex2bin(boot.pcr.data(), boot.pcr.size(), argument.data() + split + 1,
                     2 * boot.pcr.size(), nullptr, &size, &end) != 0 ||
      size != boot.pcr.size()) {
    return refused("\"" + argument +
                   "\" must be a name of at most 64 bytes, \"=\" and 64 hex digits.");
  }
  boot.name = argument.substr(0, split);
  return boot;
}

std::string told(const ReleasePolicy& policy) {
  std::string text = "release:     " + std::to_string(policy.number) +
                     "\nrelease key: " + hex(sha256({spki_of(policy.key)})) + " (SHA-256)\n";
  for (const Boot& boot : policy.boots) {
    text += "boot:        " + boot.name + "\n             PCR 11 " + hex(boot.pcr) + "\n";
  }
  return text;
}

}  // namespace

Result<std::string> run_sign(const SignArguments& arguments) {
  ReleasePolicy policy{
      .number = arguments.number, .key = {}, .boots = {}, .first_write = {}, .raise = {}};
  if (policy.number == 0) return refused("A release's number is 1 or more.");
  if (arguments.boots.size() > max_boots) return refused("A policy has at most 16 boots.");
  for (const std::string& argument : arguments.boots) {
    GIMS_TRY_ASSIGN(Boot boot, boot_of(argument));
    policy.boots.push_back(std::move(boot));
  }
  GIMS_TRY_ASSIGN(const P256Key key, read_key(arguments.key_file));
  policy.key = key.public_key;
  const auto sign = [&](const Digest& digest) { return p256_sign(key, digest); };
  GIMS_TRY_ASSIGN(const ReleasePolicy made, sign_policy(std::move(policy), sign));
  if (const auto wrote =
          sys::write_file_atomically(arguments.out_file, encode_policy(made), for_everyone);
      !wrote) {
    return refused(arguments.out_file + " cannot be written (" + wrote.error().code + ").");
  }
  return told(made);
}

Result<std::string> run_show(const std::string& policy_file) {
  GIMS_TRY_ASSIGN(const ReleasePolicy policy, read_policy(policy_file));
  return told(policy);
}

Result<std::string> run_public_key(const std::string& key_file) {
  GIMS_TRY_ASSIGN(const P256Key key, read_key(key_file));
  return public_key_to_pem(key.public_key);
}

}  // namespace gims::hsm::release

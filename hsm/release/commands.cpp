#include "hsm/release/commands.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/wipe.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/release/key_file.hpp"
#include "hsm/release/manifest.hpp"
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

// 64 hex digits.
bool read_digest(std::string_view text, Sha256& digest) {
  std::size_t size = 0;
  const char* end = nullptr;
  return text.size() == 2 * digest.size() &&
         sodium_hex2bin(digest.data(), digest.size(), text.data(), text.size(), nullptr, &size,
                        &end) == 0 &&
         size == digest.size();
}

Result<Boot> boot_of(const std::string& argument) {
  const std::size_t split = argument.rfind('=');
  Boot boot;
  if (split == std::string::npos || split == 0 || split > max_boot_name ||
      !read_digest(std::string_view(argument).substr(split + 1), boot.pcr)) {
    return refused("\"" + argument +
                   "\" must be a name of at most 64 bytes, \"=\" and 64 hex digits.");
  }
  boot.name = argument.substr(0, split);
  return boot;
}

struct Measured {
  std::uint8_t pcr = 0;
  std::string name;
  std::vector<Sha256> digests;
};
Result<Measured> measured_of(const std::string& argument) {
  const std::size_t colon = argument.find(':');
  const std::size_t split = argument.rfind('=');
  Measured measured;
  const char* const digits_end = argument.data() + std::min(colon, argument.size());
  const auto [end, error] = std::from_chars(argument.data(), digits_end, measured.pcr);
  bool good = colon != std::string::npos && split != std::string::npos && colon < split &&
              error == std::errc{} && end == digits_end;
  if (good) measured.name = argument.substr(colon + 1, split - colon - 1);
  std::string_view list = good ? std::string_view(argument).substr(split + 1) : std::string_view();
  if (list == "none") {
    measured.digests.emplace_back();
    list = {};
  }
  while (good && !list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    good = read_digest(list.substr(0, comma), measured.digests.emplace_back());
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  if (good && !measured.digests.empty()) return measured;
  return refused(
      "\"" + argument +
      "\" must be the number of a PCR, \":\", a name, \"=\" and digests of 64 hex digits "
      "with commas between, or \"none\".");
}

std::string name_of_pcr(std::uint8_t pcr) {
  switch (pcr) {
    case 4:
      return "program that the firmware started";
    case 7:
      return "state of Secure Boot";
    case boot_pcr:
      return "unified kernel image";
    default:
      return "sum of events";
  }
}

ExpectedPcr& pcr_of(Manifest& manifest, std::uint8_t number) {
  auto at = std::ranges::lower_bound(manifest.pcrs, number, {}, &ExpectedPcr::pcr);
  if (at == manifest.pcrs.end() || at->pcr != number) {
    at = manifest.pcrs.insert(
        at, ExpectedPcr{.pcr = number, .name = name_of_pcr(number), .values = {}, .events = {}});
  }
  return *at;
}

// A kernel with its initrd is large, and is hashed in memory.
constexpr std::size_t max_section = std::size_t{1} << 30U;

Result<> add_section(Manifest& manifest, const std::string& argument) {
  const std::size_t split = argument.find('=');
  if (split == std::string::npos || split == 0) {
    return refused("\"" + argument + "\" must be the name of a section, \"=\" and a file.");
  }
  GIMS_TRY_ASSIGN(const Bytes content, read(argument.substr(split + 1), max_section));
  std::vector<ExpectedEvent>& events = pcr_of(manifest, boot_pcr).events;
  for (ExpectedEvent& event : section_events(argument.substr(0, split), sha256({content}))) {
    events.push_back(std::move(event));
  }
  return {};
}

Result<Manifest> manifest_of(const ManifestArguments& arguments) {
  Manifest manifest{.number = arguments.number, .name = arguments.name, .key = {}, .pcrs = {}};
  for (const std::string& argument : arguments.values) {
    GIMS_TRY_ASSIGN(Measured measured, measured_of(argument));
    ExpectedPcr& pcr = pcr_of(manifest, measured.pcr);
    pcr.name = std::move(measured.name);
    pcr.values = std::move(measured.digests);
  }
  for (const std::string& argument : arguments.events) {
    GIMS_TRY_ASSIGN(Measured measured, measured_of(argument));
    pcr_of(manifest, measured.pcr)
        .events.push_back({.name = std::move(measured.name),
                           .digests = std::move(measured.digests),
                           .may_be_missing = false});
  }
  for (const std::string& argument : arguments.sections) {
    GIMS_TRY(add_section(manifest, argument));
  }
  for (const std::string& phase : arguments.phases) {
    pcr_of(manifest, boot_pcr).events.push_back(phase_event(phase));
  }
  return manifest;
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

Result<std::string> run_manifest(const ManifestArguments& arguments) {
  GIMS_TRY_ASSIGN(Manifest manifest, manifest_of(arguments));
  GIMS_TRY_ASSIGN(const P256Key key, read_key(arguments.key_file));
  manifest.key = key.public_key;
  const auto sign = [&](const Digest& digest) { return p256_sign(key, digest); };
  GIMS_TRY_ASSIGN(const std::string file, sign_manifest(manifest, sign));
  const BytesView bytes{reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
  if (const auto wrote = sys::write_file_atomically(arguments.out_file, bytes, for_everyone);
      !wrote) {
    return refused(arguments.out_file + " cannot be written (" + wrote.error().code + ").");
  }
  std::string text = "release:     " + std::to_string(manifest.number) + " (" + manifest.name +
                     ")\nrelease key: " + hex(sha256({spki_of(manifest.key)})) + " (SHA-256)\n";
  for (const ExpectedPcr& pcr : manifest.pcrs) {
    text += "PCR " + std::to_string(pcr.pcr) + ":      " + pcr.name + ", " +
            (pcr.events.empty() ? std::to_string(pcr.values.size()) + " value(s)"
                                : std::to_string(pcr.events.size()) + " event(s)") +
            "\n";
  }
  return text;
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

// What a release allows a unit's TPM to do: the file that travels beside the image, signed with the
// offline release key (docs/protocol-keyd.md, "The release's policy").
//
// Every release has a number. A unit's TPM keeps the highest it was told in an NV index that is the
// same on every unit; it tells it only upward, and only by a policy of that release. A root key is
// sealed under the release key (PolicyAuthorize) and not under one image, so an update needs no
// re-seal; an image's policy holds while the index is not above the image's own release.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hsm/ca/p256.hpp"
#include "hsm/release/tpm_policy.hpp"

namespace gims::hsm::release {

// The index: ordinary, eight bytes, big-endian.
inline constexpr std::uint32_t release_index = 0x0181'4D01;
inline constexpr std::size_t release_index_size = 8;
// Written by policy alone; read by anyone, as everyone may know it.
inline constexpr std::uint32_t release_index_attributes = 0x0204'0008;
inline constexpr std::uint32_t nv_attribute_written = 0x2000'0000;

inline constexpr std::uint8_t boot_pcr =
    11;  // the unified kernel image and the phases of its start
inline constexpr std::size_t max_boots = 16;
inline constexpr std::size_t max_boot_name = 64;
inline constexpr std::size_t max_policy_file = std::size_t{8} * 1024;

// What the release key signs, so that a signature for one purpose does not serve another.
inline constexpr std::string_view boot_policy_ref = "gims boot 1";
inline constexpr std::string_view index_policy_ref = "gims release index 1";

// One way in which the release's image starts, at the moment at which gims-keyd runs.
struct Boot {
  std::string name;  // for a person: "gims 1.4.0, enter-initrd:leave-initrd:sysinit:ready"
  Sha256 pcr{};      // of PCR 11
  P256Signature signature;
};

struct ReleasePolicy {
  std::uint64_t number = 0;  // 1 or more
  P256Point key{};           // the release key's public half
  std::vector<Boot> boots;
  P256Signature first_write;  // of the number into an index that was never written
  P256Signature raise;        // of the number into an index that holds a lower one
};

// ---- what is signed and what a TPM is asked for ----

// TPMT_PUBLIC of the release key, as TPM2_LoadExternal takes it, and its name.
[[nodiscard]] Bytes key_public_area(const P256Point& key);
[[nodiscard]] Bytes key_name(const P256Point& key);
// The name of an NV index (part 1, section 16): a hash over what and under which terms it is.
[[nodiscard]] Bytes nv_name(std::uint32_t index, std::uint32_t attributes, BytesView policy,
                            std::uint16_t size);
// The index's policy: whatever the release key signs for it. And its name, before and after it was
// first written.
[[nodiscard]] Sha256 index_policy(const P256Point& key);
[[nodiscard]] Bytes index_name(const P256Point& key, bool written);
[[nodiscard]] std::array<std::uint8_t, release_index_size> index_content(std::uint64_t number);
[[nodiscard]] std::uint64_t number_of(BytesView content) noexcept;

// The policies that the release key approves.
[[nodiscard]] Sha256 boot_policy(const P256Point& key, std::uint64_t number, const Sha256& pcr);
[[nodiscard]] Sha256 first_write_policy(const P256Point& key, std::uint64_t number);
[[nodiscard]] Sha256 raise_policy(const P256Point& key, std::uint64_t number);

using ReleaseSigner = std::function<Result<P256Signature>(const Digest&)>;
// `policy` with number, key and the boots' names and PCRs; gives it signed. Each signature is
// checked before this returns.
[[nodiscard]] Result<ReleasePolicy> sign_policy(ReleasePolicy policy, const ReleaseSigner& sign);

// ---- the file ----

[[nodiscard]] Bytes encode_policy(const ReleasePolicy& policy);
// Reads the file and checks every signature in it by its key; whether that key is the one that this
// unit trusts is the caller's question. Fails (bad_input, GIMS_RELEASE_POLICY).
[[nodiscard]] Result<ReleasePolicy> decode_policy(BytesView file);
// The same of the file at `path`, which the text of a failure names.
[[nodiscard]] Result<ReleasePolicy> read_policy(const std::string& path);

}  // namespace gims::hsm::release

// What a release's image measures when it starts, part by part, signed with the release key: by it
// another machine says which part of a unit is not as released. One JSON object:
//
//   {"manifest":{"version":1,"release":7,"name":"GIMS 1.4.0","release_key":"…",
//     "pcrs":[{"pcr":11,"name":"unified kernel image","events":[
//               {"name":"kernel (.linux)","digests":["…"]}, …]},
//             {"pcr":7,"name":"Secure Boot","values":["…"]}]},
//    "signature":"…"}
//
// Digests are SHA-256 in hex, the key (65 bytes) and the signature (r and s) base64. Signed is
// SHA-256 over "gims release manifest 1\n" and the canonical JSON of the member "manifest".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/release/release_policy.hpp"

namespace gims::hsm::release {

inline constexpr std::size_t max_manifest = std::size_t{256} * 1024;
inline constexpr std::uint8_t manifest_pcrs = 16;        // those that a unit quotes
inline constexpr std::size_t max_manifest_events = 256;  // of one PCR
inline constexpr std::size_t max_manifest_digests = 16;  // of one event, or values of one PCR
inline constexpr std::size_t max_manifest_name = 128;    // printable ASCII

struct ExpectedEvent {
  std::string name;             // for a person: "kernel (.linux)"
  std::vector<Sha256> digests;  // any of these
  bool may_be_missing = false;  // a phase that may not have come yet
  bool operator==(const ExpectedEvent&) const = default;
};

// Either the values that it may hold, or the events that are measured into it, in their order.
struct ExpectedPcr {
  std::uint8_t pcr = 0;
  std::string name;
  std::vector<Sha256> values;
  std::vector<ExpectedEvent> events;
  bool operator==(const ExpectedPcr&) const = default;
};

struct Manifest {
  std::uint64_t number = 0;  // as in ReleasePolicy
  std::string name;
  P256Point key{};
  std::vector<ExpectedPcr> pcrs;  // in rising order; those that are not named may hold anything
  bool operator==(const Manifest&) const = default;
};

// The file, checked as every reader will.
[[nodiscard]] Result<std::string> sign_manifest(const Manifest& manifest,
                                                const ReleaseSigner& sign);
// Checks the signature by the key in it; whether that is the release key is the caller's question.
// Fails (bad_input, GIMS_RELEASE_MANIFEST).
[[nodiscard]] Result<Manifest> decode_manifest(std::string_view file);

// The events of one section of a unified kernel image (systemd-stub: its name with the zero at its
// end, then its content), and of a phase of the start (systemd-pcrphase).
[[nodiscard]] std::vector<ExpectedEvent> section_events(const std::string& section,
                                                        const Sha256& content);
[[nodiscard]] ExpectedEvent phase_event(const std::string& phase);

}  // namespace gims::hsm::release

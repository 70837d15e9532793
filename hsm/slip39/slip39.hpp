// Sharing a secret as words that people keep: SLIP-0039, "Shamir's Secret-Sharing for Mnemonic
// Codes", final, with its extension flag (github.com/satoshilabs/slips, slip-0039.md). The names in
// brackets below are the standard's.
//
// A master secret is encrypted with a passphrase and split into group shares, each of these into
// member shares; a member share is written as 20 to 33 words of a list of 1,024. Whoever has the
// members' threshold in each of as many groups as the group threshold says has the secret. One
// share fewer tells nothing about it.
//
// What is secret is in locked memory and wiped, and neither a branch nor an address depends on it.
// Not secret are: the length of the master secret, the scheme, all of a share but its value, the
// length of a text, and whether a text is a share. A passphrase that is wrong gives another secret
// and no error; that is the standard's wish.
//
// Pure: no clock, no file. Random bytes come from the system's generator. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::hsm::slip39 {

inline constexpr std::size_t min_secret = 16;  // bytes; an even number
inline constexpr std::size_t max_secret = 32;
inline constexpr std::size_t max_passphrase = 256;  // bytes
inline constexpr std::size_t max_groups = 16;
inline constexpr std::size_t max_members = 16;  // of a group
inline constexpr std::size_t min_words = 20;
inline constexpr std::size_t max_words = 33;
inline constexpr std::size_t max_text = 1024;  // bytes of a typed share, with its spaces
// PBKDF2 iterates 10,000 << exponent times. 5 costs some tenths of a second; the standard's 15, in
// a share that a stranger typed, would be minutes.
inline constexpr std::uint8_t max_iteration_exponent = 5;

struct Group {
  std::uint8_t threshold = 1;  // [T], 1 to count; a group of threshold 1 has one member
  std::uint8_t count = 1;      // [N], 1 to 16
};

struct Scheme {
  std::uint8_t group_threshold = 1;     // [GT], 1 to the number of groups
  std::vector<Group> groups;            // [G], 1 to 16
  std::uint8_t iteration_exponent = 1;  // [e]
  // [ext] Set: the same secret and passphrase may be split again later into other sets of shares,
  // and the identifier is a label alone. Not set: the identifier is a part of the encryption.
  bool extendable = true;
};

// What all shares of one splitting have in common.
struct SetParameters {
  std::uint16_t identifier = 0;  // [id], random, 15 bits
  bool extendable = true;
  std::uint8_t iteration_exponent = 0;
  std::uint8_t group_threshold = 1;
  std::uint8_t group_count = 1;

  bool operator==(const SetParameters&) const = default;
};

struct Share {
  SetParameters set;
  std::uint8_t group = 0;      // [GI], from 0
  std::uint8_t member = 0;     // [I], from 0
  std::uint8_t threshold = 1;  // [T], of the group
  SecretBytes value;           // [ps] without its padding; as long as the master secret
};
// Whether these are the same share of the same set: what was shown, and what was typed again to
// check it. Takes the same time whatever the values are.
[[nodiscard]] bool same_share(const Share& a, const Share& b) noexcept;

// The words of a share, in small letters with one space between, in locked memory. reveal() is the
// only way to the words. Movable.
class Mnemonic {
 public:
  explicit Mnemonic(SecretBytes text) noexcept : text_(std::move(text)) {}
  [[nodiscard]] std::string_view reveal() const noexcept {
    return {reinterpret_cast<const char*>(text_.bytes().data()), text_.size()};
  }

 private:
  SecretBytes text_;
};

// Fails (bad_input, GIMS_SLIP39_SHARE) for a share that the standard does not know.
[[nodiscard]] Result<Mnemonic> encode(const Share& share);
// Takes capital letters, and any spaces and ends of lines around words; nothing is completed or
// mended. Fails (bad_input) with a text that says what to look at, words by their number from 1 and
// never by themselves:
//   GIMS_SLIP39_WORDS     too few or many words, or some that are not in the list
//   GIMS_SLIP39_CHECKSUM  up to three wrong words are always noticed
//   GIMS_SLIP39_SHARE     the checksum holds, and it is no share that we or the standard take
[[nodiscard]] Result<Share> decode(std::string_view typed);

// The mnemonics of each group, in the order of the scheme. Fails (bad_input) with
// GIMS_SLIP39_SCHEME for a scheme or secret outside of the limits above, GIMS_SLIP39_PASSPHRASE for
// a passphrase that is too long or not of printable ASCII.
[[nodiscard]] Result<std::vector<std::vector<Mnemonic>>> split(const SecretBytes& master_secret,
                                                               const SecretBytes& passphrase,
                                                               const Scheme& scheme);

// The master secret of exactly a quorum: no group or share more than the thresholds say (Collector
// chooses among more). Fails (bad_input) with
//   GIMS_SLIP39_SET     they are not of one set, one is there twice, or two say different things
//   GIMS_SLIP39_QUORUM  too few, or more than needed
//   GIMS_SLIP39_DIGEST  they fit together, and one of them is forged or damaged
//   GIMS_SLIP39_PASSPHRASE, GIMS_SLIP39_SHARE as above
[[nodiscard]] Result<SecretBytes> combine(std::span<const Share> shares,
                                          const SecretBytes& passphrase);

}  // namespace gims::hsm::slip39

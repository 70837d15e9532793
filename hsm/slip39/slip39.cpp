#include "hsm/slip39/slip39.hpp"

#include <algorithm>
#include <array>

#include "hsm/slip39/cipher.hpp"
#include "hsm/slip39/shamir.hpp"
#include "hsm/slip39/share.hpp"

namespace gims::hsm::slip39 {
namespace {

std::unexpected<Error> scheme_error(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_SCHEME", text);
}
std::unexpected<Error> set_error(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_SET", text);
}
std::unexpected<Error> quorum_error(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_QUORUM", text);
}

Result<> check(const Scheme& scheme) {
  if (scheme.groups.empty() || scheme.groups.size() > max_groups) {
    return scheme_error("There are 1 to 16 groups.");
  }
  if (scheme.group_threshold < 1 || scheme.group_threshold > scheme.groups.size()) {
    return scheme_error("The threshold of groups is 1 to the number of groups.");
  }
  for (const Group& group : scheme.groups) {
    if (group.threshold < 1 || group.threshold > group.count || group.count > max_members) {
      return scheme_error("A group has 1 to 16 members, and a threshold of 1 to their number.");
    }
    if (group.threshold == 1 && group.count > 1) {
      return scheme_error("A group with a threshold of 1 has one member: all would have the same.");
    }
  }
  if (scheme.iteration_exponent > max_iteration_exponent) {
    return scheme_error("The iteration exponent is 0 to " + std::to_string(max_iteration_exponent) +
                        ".");
  }
  return {};
}

// The group's row of the splitting, or how its shares fail to give it.
Result<SecretBytes> value_of_group(std::span<const Share* const> shares) {
  const Share& first = *shares.front();
  const std::size_t size = first.value.size();
  std::vector<std::uint8_t> xs;
  GIMS_TRY_ASSIGN(SecretBytes rows, SecretBytes::zeroed(shares.size() * size));
  for (const Share* share : shares) {
    if (share->threshold != first.threshold) {
      return set_error("These shares do not agree on how many of a group are needed.");
    }
    if (std::ranges::contains(xs, share->member)) {
      return set_error("Two of these shares have the same number.");
    }
    std::ranges::copy(share->value.bytes(), rows.writable().subspan(xs.size() * size).begin());
    xs.push_back(share->member);
  }
  if (xs.size() != first.threshold) {
    return quorum_error("A group needs " + std::to_string(first.threshold) + " shares; these are " +
                        std::to_string(xs.size()) + ".");
  }
  return recover_secret(xs, rows.bytes(), size);
}

}  // namespace

Result<std::vector<std::vector<Mnemonic>>> split(const SecretBytes& master_secret,
                                                 const SecretBytes& passphrase,
                                                 const Scheme& scheme) {
  const std::size_t size = master_secret.size();
  GIMS_TRY(check(scheme));
  if (size < min_secret || size > max_secret || size % 2 != 0) {
    return scheme_error("A secret to share has 16 to 32 bytes, an even number.");
  }
  GIMS_TRY_ASSIGN(const SecretBytes random, SecretBytes::random(2));
  const unsigned identifier = (random.bytes()[0] << 8U | random.bytes()[1]) & 0x7fffU;
  Share share{.set = {.identifier = static_cast<std::uint16_t>(identifier),
                      .extendable = scheme.extendable,
                      .iteration_exponent = scheme.iteration_exponent,
                      .group_threshold = scheme.group_threshold,
                      .group_count = static_cast<std::uint8_t>(scheme.groups.size())},
              .value = {}};
  GIMS_TRY_ASSIGN(const SecretBytes encrypted, encrypt(master_secret, passphrase, share.set));
  GIMS_TRY_ASSIGN(const SecretBytes groups,
                  split_secret(encrypted.bytes(), scheme.group_threshold, scheme.groups.size()));
  std::vector<std::vector<Mnemonic>> mnemonics;
  for (const Group& group : scheme.groups) {
    share.group = static_cast<std::uint8_t>(mnemonics.size());
    share.threshold = group.threshold;
    GIMS_TRY_ASSIGN(const SecretBytes members,
                    split_secret(groups.bytes().subspan(share.group * size, size), group.threshold,
                                 group.count));
    mnemonics.emplace_back();
    for (share.member = 0; share.member < group.count; ++share.member) {
      GIMS_TRY_ASSIGN(share.value,
                      SecretBytes::copy_of(members.bytes().subspan(share.member * size, size)));
      GIMS_TRY_ASSIGN(Mnemonic mnemonic, encode(share));
      mnemonics.back().push_back(std::move(mnemonic));
    }
  }
  return mnemonics;
}

Result<SecretBytes> combine(std::span<const Share> shares, const SecretBytes& passphrase) {
  if (shares.empty()) return quorum_error("There is no share.");
  const Share& first = shares.front();
  const std::size_t size = first.value.size();
  std::array<std::vector<const Share*>, max_groups> by_group;
  for (const Share& share : shares) {
    GIMS_TRY(check(share));
    if (share.set != first.set || share.value.size() != size) {
      return set_error("These shares are not of one set.");
    }
    by_group[share.group].push_back(&share);
  }
  std::vector<std::uint8_t> xs;
  GIMS_TRY_ASSIGN(SecretBytes rows, SecretBytes::zeroed(max_groups * size));
  for (std::size_t group = 0; group < max_groups; ++group) {
    if (by_group[group].empty()) continue;
    GIMS_TRY_ASSIGN(const SecretBytes row, value_of_group(by_group[group]));
    std::ranges::copy(row.bytes(), rows.writable().subspan(xs.size() * size).begin());
    xs.push_back(static_cast<std::uint8_t>(group));
  }
  if (xs.size() != first.set.group_threshold) {
    return quorum_error("The shares of " + std::to_string(first.set.group_threshold) +
                        " groups are needed; these are of " + std::to_string(xs.size()) + ".");
  }
  GIMS_TRY_ASSIGN(const SecretBytes encrypted, recover_secret(xs, rows.bytes(), size));
  return decrypt(encrypted, passphrase, first.set);
}

}  // namespace gims::hsm::slip39

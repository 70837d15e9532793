// Taking the shares of a quorum one by one, as people come and type them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "hsm/slip39/slip39.hpp"

namespace gims::hsm::slip39 {

// Holds at most the shares of a quorum and of groups that are not complete, in locked memory, wiped
// with it. Movable. Thread: one.
class Collector {
 public:
  enum class Taken : std::uint8_t {
    accepted,
    duplicate,  // this very share was given before
    surplus,    // a share of the set whose group, or the quorum, is complete without it; not kept,
                // and so not checked against the others
  };
  // Fails as decode() does, and with GIMS_SLIP39_SET (bad_input) for a share of another set than
  // the first one, or one that contradicts an earlier one. A failure leaves everything as it was.
  // Where the first one was the wrong one, begin with a new Collector.
  [[nodiscard]] Result<Taken> add(std::string_view typed);

  struct GroupProgress {
    std::uint8_t group = 0;  // from 0, as the scheme has them
    std::uint8_t threshold = 1;
    std::uint8_t given = 0;
    [[nodiscard]] std::uint8_t needed() const noexcept {
      return static_cast<std::uint8_t>(threshold - given);
    }
  };
  struct Progress {
    std::uint8_t groups_needed = 0;  // further complete ones; of no meaning before the first share
    // Of which there is a share, in their order: the threshold of others is known from their shares
    // alone.
    std::vector<GroupProgress> groups;
  };
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] bool complete() const;
  // Of the set that is being collected; nothing before the first share.
  [[nodiscard]] std::optional<SetParameters> set() const;

  // The master secret. Fails as combine() does; GIMS_SLIP39_QUORUM unless complete().
  [[nodiscard]] Result<SecretBytes> done(const SecretBytes& passphrase) const;

 private:
  [[nodiscard]] std::uint8_t given(std::uint8_t group) const;
  std::vector<Share> shares_;
};

}  // namespace gims::hsm::slip39

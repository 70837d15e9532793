// What was done here that belongs into the audit log: kept until gimsd, which keeps that log, has
// it there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "hsm/core/custody_file.hpp"
#include "hsm/proto/approval_messages.hpp"

namespace gims::hsm {

// At most max_acts; the oldest go first, and are counted. On the disk (acts.bin, with a MAC under
// the root key) as long as there are any and the root key is there; else in memory alone. A file
// that cannot be written is told in the journal, where every act is as well, and hinders nothing:
// a full disk must not keep a site from being zeroized. Thread: one.
class ActLog {
 public:
  // Where it is kept; null while the root key is away. Both outlive the call alone.
  struct Backing {
    const StateFolder* folder = nullptr;
    const SecretBytes* root_key = nullptr;
  };

  // The clock outlives it.
  explicit ActLog(const Clock& clock) noexcept : clock_(clock) {}

  // After the site was opened: what the disk has comes before what happened since. A file that is
  // damaged becomes an act itself.
  void load(const Backing& backing);
  // Gives it its id and time, cuts each text to what its field may hold, and makes what is not
  // printable a blank.
  void add(const Backing* backing, Act act);
  // Forgets those up to the act `taken`, if it is among them, and gives the others.
  [[nodiscard]] ActsReply take(const Backing& backing, std::uint64_t taken);
  // After zeroizing: what happened to a site that is no more is in the journal.
  void clear() noexcept;

 private:
  void push(Act act);
  void keep(const Backing& backing);

  const Clock& clock_;
  std::vector<Act> acts_;
  std::uint64_t lost_ = 0;
};

// The body of acts.bin, with its MAC.
[[nodiscard]] Result<Bytes> encode_acts_file(const ActsReply& acts, const SecretBytes& root_key);
[[nodiscard]] Result<ActsReply> decode_acts_file(BytesView file, const SecretBytes& root_key);

}  // namespace gims::hsm

// The logs of what was measured at this start. The TPM's PCRs hold sums of these events; a log
// alone proves nothing, so its bytes are handed on as they are and are not read here.
#pragma once

#include <string>

#include "hsm/proto/attest_messages.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// Thread: one.
class EventLogs {
 public:
  EventLogs() noexcept = default;
  // Opens them for reading, later and again: systemd's grows. An empty path: there is none. One
  // that cannot be opened is told in the journal and then counts as none, as the keys do not depend
  // on it. Only root may open the kernel's and systemd's: before that is given up.
  [[nodiscard]] static EventLogs open(const std::string& firmware, const std::string& userspace);

  // Fails (GIMS_KEYD_STORAGE) where the disk or the kernel does not give it.
  [[nodiscard]] Result<EventLogReply> read(const EventLogRequest& request) const;

 private:
  sys::Fd firmware_;
  sys::Fd userspace_;
};

}  // namespace gims::hsm

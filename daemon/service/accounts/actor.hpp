// Who does something, for the audit log, and the entry itself.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/audit.hpp"
#include "store/writer.hpp"

namespace gims::service {

// "gimsctl uid 0", "@user:server" with an address.
struct Actor {
  std::string name;
  std::string origin;
};

// In the operation of the act itself. `detail`: a JSON object.
[[nodiscard]] inline Result<> audit(store::Transaction& transaction, const Actor& actor,
                                    std::string_view act, std::string_view target,
                                    std::string_view detail) {
  return store::append_audit(transaction, {.actor = actor.name,
                                           .origin = actor.origin,
                                           .act = act,
                                           .target = target,
                                           .detail = detail});
}

}  // namespace gims::service

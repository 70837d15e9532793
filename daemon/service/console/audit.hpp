// The console's entries in the audit log.
#pragma once

#include <string>
#include <string_view>

#include "service/accounts/users.hpp"
#include "service/console/sessions.hpp"
#include "store/audit.hpp"

namespace gims::service::console {

[[nodiscard]] inline std::string origin_of(const Where& where) {
  return "console " + where.address;
}
// Whom the log names for what a person does.
[[nodiscard]] inline Actor actor_of(std::string_view name, const Where& where) {
  return {.name = "administrator " + std::string(name), .origin = origin_of(where)};
}
[[nodiscard]] inline Actor actor_of(const Session& session) {
  return actor_of(session.name, session.where);
}

[[nodiscard]] inline Result<> audit(store::Transaction& transaction, const Actor& actor,
                                    std::string_view act, std::string_view target,
                                    std::string_view detail = "{}") {
  return store::append_audit(transaction, {.actor = actor.name,
                                           .origin = actor.origin,
                                           .act = act,
                                           .target = target,
                                           .detail = detail});
}

}  // namespace gims::service::console

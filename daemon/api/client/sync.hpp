// The modules of the client-server API that tell clients what is new, and what clients tell of what
// they have read. Each function gives the route table of one module; the services must outlive the
// routes.
#pragma once

#include "api/route.hpp"
#include "service/filters.hpp"
#include "service/push/notifications.hpp"
#include "service/push/push_rules.hpp"
#include "service/push/pushers.hpp"
#include "service/receipts.hpp"
#include "service/rooms/rooms.hpp"
#include "service/sync/sync.hpp"

namespace gims::api::client {

// GET /sync, GET /keys/changes
[[nodiscard]] Routes sync_routes(service::sync::Sync& sync, service::Filters& filters);
// POST and GET /user/{userId}/filter
[[nodiscard]] Routes filter_routes(service::Filters& filters);
// PUT /rooms/{roomId}/typing/{userId}
[[nodiscard]] Routes typing_routes(service::sync::Feed& feed, service::Receipts& receipts,
                                   const Clock& clock);
// POST /rooms/{roomId}/receipt/..., /rooms/{roomId}/read_markers
[[nodiscard]] Routes receipt_routes(service::Receipts& receipts);
// /pushrules
[[nodiscard]] Routes push_rule_routes(service::PushRules& rules);
// /pushers, /notifications
[[nodiscard]] Routes pusher_routes(service::Pushers& pushers,
                                   service::Notifications& notifications);
// /presence
[[nodiscard]] Routes presence_routes();

}  // namespace gims::api::client

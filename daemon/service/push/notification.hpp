// The two texts of the push gateway API (spec: POST /_matrix/push/v1/notify).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "service/push/outbox.hpp"

namespace gims::service::push {

// The body for one pusher; without an event (null) only how much is unread. It holds no content and
// no names of people or rooms, whatever the format asks for, encrypted or not: it lies on a queue
// outside of the store, until the device fetches it.
[[nodiscard]] std::string notification(const Pusher& pusher, const Unsent* unsent,
                                       std::int64_t unread);

// Whether the gateway's answer of 200 says that it will not have this pushkey. Fails (unavailable)
// for what is no such answer.
[[nodiscard]] Result<bool> is_rejected(std::string_view answer, std::string_view push_key);

}  // namespace gims::service::push

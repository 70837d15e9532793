// What every reply says of the device's keys (spec: client-server API, "Extensions to /sync" of
// end-to-end encryption). A client takes its absence for "none", and makes new keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/reads.hpp"

namespace gims::service::sync {

// The two members, as JSON without braces, read from the tables and remembered in the feed.
// `generation`: the feed's key_generation() of before the first read of `reads`.
[[nodiscard]] Result<std::shared_ptr<const std::string>> read_key_counts(
    Feed& feed, Reads& reads, const std::string& user_id, const std::string& device_id,
    std::uint64_t generation);

}  // namespace gims::service::sync

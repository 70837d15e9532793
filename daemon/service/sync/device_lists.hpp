// Whose devices a client should look at again (spec: client-server API, "Extensions to /sync" of
// end-to-end encryption).
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/room_section.hpp"

namespace gims::service::sync {

struct DeviceLists {
  std::vector<std::string> changed;  // sorted
  std::vector<std::string> left;     // sorted; none of changed
};

// Of (since, news.token]: users who share a room with `user_id` and changed their devices, or came
// to share one; and users who do not share one any more. Whoever changed devices again after
// news.token may be named too: a client that looks once in vain loses nothing.
[[nodiscard]] Result<DeviceLists> device_lists(store::Store& store, Feed& feed, Reads& reads,
                                               const std::string& user_id, store::StreamId since,
                                               const News& news, const Encounters& encounters);

}  // namespace gims::service::sync

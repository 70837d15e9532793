// One reply of /sync, from what the feed and the store hold (spec: client-server API, "Syncing").
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "http/response.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/filter.hpp"
#include "service/tokens.hpp"
#include "store/store.hpp"

namespace gims::service::sync {

struct DeviceLists;  // device_lists.hpp

struct SyncRequest {
  std::string user_id;
  std::string device_id;
  std::optional<StreamToken> since;  // nothing: all from the beginning
  // The device's own token, where looks were made after it that found nothing.
  std::optional<StreamToken> members_since = std::nullopt;
  std::shared_ptr<const Filter> filter;
  bool full_state = false;
  bool use_state_after = false;
  bool unstable_state_after = false;  // under the name of MSC4222, which the client asked by
  bool even_if_empty = false;         // a body in any case

  [[nodiscard]] const std::optional<StreamToken>& device_token() const noexcept {
    return members_since ? members_since : since;
  }
};

struct Assembled {
  http::Chain body;
  StreamToken next;
  bool empty = true;  // nothing for the client but the token: wait
  bool read_store = false;
};

// Messages to a device in one reply.
inline constexpr std::size_t most_to_device = 100;
// Events looked through for one room's timeline, where a filter lets few pass.
inline constexpr std::size_t most_scanned = 1000;

// Any thread but a loop's: may read the store.
[[nodiscard]] Result<Assembled> assemble(store::Store& store, Feed& feed,
                                         const SyncRequest& request);
// What a reply to this request would say of others' devices (GET /keys/changes). Any thread but a
// loop's.
[[nodiscard]] Result<DeviceLists> changed_devices(store::Store& store, Feed& feed,
                                                  const SyncRequest& request);
// A reply that says nothing but where to go on, and how many keys the device has. Any thread but a
// loop's.
[[nodiscard]] Result<http::Chain> empty_reply(store::Store& store, Feed& feed,
                                              const std::string& user_id,
                                              const std::string& device_id,
                                              const StreamToken& next);
// The first of a body's bytes to the last, for tests and logs.
[[nodiscard]] std::string text_of(const http::Chain& chain);

}  // namespace gims::service::sync

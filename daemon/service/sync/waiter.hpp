// One request of /sync that waits for news. Holds no thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "http/response.hpp"
#include "service/sync/filter.hpp"
#include "service/tokens.hpp"

namespace gims::service::sync {

// The body of the reply.
using Reply = std::move_only_function<void(Result<http::Chain>)>;

struct Waiter {
  // refused: too many wait already.
  enum class Reason : std::uint8_t { news, timeout, superseded, removed, refused };

  std::string user_id;
  std::string device_id;
  StreamToken since;    // as the client sent it
  StreamToken checked;  // nothing for this request up to here
  std::shared_ptr<const Filter> filter;
  bool use_state_after = false;
  bool unstable_state_after = false;
  std::chrono::steady_clock::time_point deadline;
  Reply reply;
  std::uint64_t id = 0;     // ascending in the order of the requests
  bool superseded = false;  // by a newer one of its device; `deadline` is not far then
  std::shared_ptr<std::atomic<bool>> gone;  // the client went
  Reason reason = Reason::news;             // why it is ready
};

}  // namespace gims::service::sync

// Which thread of its room an event is in (spec: client-server API, "Threading", "Threaded read
// receipts"). The only place that decides it: receipts, unread counts and notifications ask here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "matrix/event.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::service {

// What the event's own relation says: the id of the thread's root, empty for the main timeline;
// nothing: it relates to another event, which decides.
[[nodiscard]] std::optional<std::string_view> thread_by_itself(
    const matrix::Relation& relation) noexcept;

struct ThreadPlace {
  std::string root;                  // the id of the thread's root; empty: the main timeline
  std::vector<std::string> through;  // the events that it was found by, or not, the nearest first
};

// An edit, a reaction or a reference is where the event is that it relates to, and so on for three
// steps: a row is read for each, and none for other events. What leads to a thread's root by such
// relations alone is in the main timeline, as the root is. Any thread.
[[nodiscard]] Result<ThreadPlace> thread_place(sql::Connection& connection, store::RoomNid room,
                                               const matrix::Relation& relation);
// The root alone.
[[nodiscard]] Result<std::string> thread_of(sql::Connection& connection, store::RoomNid room,
                                            const matrix::Relation& relation);

}  // namespace gims::service

// What one sync reads from the store: typed, and with a lease only where memory did not do.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"
#include "store/store.hpp"

namespace gims::service::sync {

class Item;
using ItemPtr = std::shared_ptr<const Item>;

// One reply's reads. One thread. The lease is taken with the first read and given back with this
// object, so that every read of a reply sees the same snapshot.
class Reads {
 public:
  // `counter`, where given, counts the statements.
  explicit Reads(store::Store& store, std::atomic<std::uint64_t>* counter = nullptr) noexcept
      : store_(store), counter_(counter) {}
  // For one statement.
  [[nodiscard]] Result<sql::Connection*> sql();
  [[nodiscard]] bool used() const noexcept { return reader_.has_value(); }
  // Of the snapshot that is read; 0: nothing was read yet.
  [[nodiscard]] store::StreamId position() const noexcept {
    return reader_ ? reader_->position() : 0;
  }

  // Newest first, at most `most`, of (above, up_to].
  [[nodiscard]] Result<std::vector<ItemPtr>> events(store::RoomNid room,
                                                    const matrix::RoomVersion& version,
                                                    store::StreamId above, store::StreamId up_to,
                                                    std::size_t most);
  // The event that is the state of the key at the position, or null.
  [[nodiscard]] Result<ItemPtr> state_at(store::RoomNid room, const matrix::RoomVersion& version,
                                         std::string_view type, std::string_view state_key,
                                         store::StreamId up_to);
  // The state at the position that came to be above `above`, oldest first; all of it for 0.
  [[nodiscard]] Result<std::vector<ItemPtr>> state_since(store::RoomNid room,
                                                         const matrix::RoomVersion& version,
                                                         store::StreamId above,
                                                         store::StreamId up_to);
  // The state at the position without members, oldest first.
  [[nodiscard]] Result<std::vector<ItemPtr>> state_but_members(store::RoomNid room,
                                                               const matrix::RoomVersion& version,
                                                               store::StreamId up_to);
  // content.membership of the user's member event at the position; "leave" where there is none.
  [[nodiscard]] Result<std::string> membership_at(store::RoomNid room,
                                                  const matrix::RoomVersion& version,
                                                  std::string_view user_id,
                                                  store::StreamId position);
  // The PDU of an event of this store with its id, or null.
  [[nodiscard]] Result<ItemPtr> event(const matrix::RoomVersion& version,
                                      std::string_view event_id);
  // The row of an event that a commit brought.
  [[nodiscard]] Result<ItemPtr> event_at(const matrix::RoomVersion& version,
                                         store::StreamId position);
  // The root of the thread that the event is in; empty: the main timeline. Reads a row only for
  // what relates to another event otherwise.
  [[nodiscard]] Result<std::string> thread_of(store::RoomNid room, const matrix::Event& event);
  // The content of one piece of account data; nothing: there is none.
  [[nodiscard]] Result<std::optional<std::string>> account_data(std::string_view user_id,
                                                                std::string_view room_id,
                                                                std::string_view type);

 private:
  // Rows of current_state above the position are of later commits: the key as it was then.
  [[nodiscard]] Result<std::vector<ItemPtr>> as_of(store::RoomNid room,
                                                   const matrix::RoomVersion& version,
                                                   std::vector<ItemPtr> rows, store::StreamId above,
                                                   store::StreamId up_to);

  store::Store& store_;
  std::atomic<std::uint64_t>* counter_;
  std::optional<store::Reader> reader_;
};

}  // namespace gims::service::sync

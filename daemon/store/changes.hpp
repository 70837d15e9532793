// What a committed batch changed: told to listeners after the commit and to nobody before.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "crypto/hash.hpp"
#include "matrix/event.hpp"

namespace gims::store {

// One stream orders everything that a client can be told: events, receipts, account data, to-device
// messages, device lists. A position is taken inside the batch, so positions become visible in
// order.
using StreamId = std::int64_t;
// A room's number in this database: dense, never shown outside.
using RoomNid = std::int64_t;

struct EventAdded {
  RoomNid room;
  StreamId position;
  matrix::EventPtr event;
  std::string device_id;  // of the sender, with the transaction id; both empty for the server's own
  std::string txn_id;
};
struct MembershipChanged {  // published beside the EventAdded of the m.room.member event
  RoomNid room;
  StreamId position;
  std::string user_id;
  std::string membership;           // join, invite, leave, ban, knock
  std::string previous_membership;  // empty: none
};
struct EventRedacted {
  RoomNid room;
  StreamId position;  // of the redaction
  std::string event_id;
};
struct ReceiptChanged {
  RoomNid room;
  StreamId position;
  std::string user_id;
  std::string type;  // m.read, m.read.private
  std::string event_id;
  std::string thread_id;  // empty: unthreaded
  std::int64_t ts;
};
struct AccountDataChanged {
  StreamId position;
  std::string user_id;
  std::string room_id;  // empty: global
  std::string type;
};
struct ToDeviceAdded {
  StreamId position;
  std::string user_id;
  std::string device_id;
};
// The user's devices, device keys or cross-signing keys are not what they were.
struct DeviceListChanged {
  StreamId position;
  std::string user_id;
};
// One-time or fallback keys were uploaded or claimed: the device's counts are to be read again.
struct KeyCountsChanged {
  std::string user_id;
  std::string device_id;
};
struct DeviceRemoved {  // with its keys, its tokens and the messages to it
  std::string user_id;
  std::string device_id;
};
// The device signed in again: its earlier tokens are gone, but it is there, and so is what waits
// for it.
struct DeviceTokensEnded {
  std::string user_id;
  std::string device_id;
};
struct UserStateChanged {  // locked, unlocked, deactivated; or its tokens changed
  std::string user_id;
};
struct PushersChanged {  // set, or taken away
  std::string user_id;
};
struct AuditAppended {  // the audit log's new head
  std::int64_t sequence;
  crypto::Digest hash;
};

using Change =
    std::variant<EventAdded, MembershipChanged, EventRedacted, ReceiptChanged, AccountDataChanged,
                 ToDeviceAdded, DeviceListChanged, KeyCountsChanged, DeviceRemoved,
                 DeviceTokensEnded, UserStateChanged, PushersChanged, AuditAppended>;

// Hears of each batch on the writer's thread, in order, before the requests of the batch are
// answered. Must be quick and must not fail.
class ChangeListener {
 public:
  ChangeListener() = default;
  ChangeListener(const ChangeListener&) = delete;
  ChangeListener& operator=(const ChangeListener&) = delete;
  virtual ~ChangeListener() = default;
  // `position`: everything at or below it is visible to readers now.
  virtual void committed(StreamId position, std::span<const Change> changes) noexcept = 0;
};

}  // namespace gims::store

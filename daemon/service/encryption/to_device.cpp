#include "service/encryption/to_device.hpp"

#include <utility>

#include "base/log.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/statements/devices.hpp"
#include "store/statements/to_device.hpp"
#include "store/transactions.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Waiting messages of one device, and their bytes. A phone that was off for a month in busy rooms
// has some thousands, most of them room keys of one or two KiB.
constexpr std::int64_t most_waiting = 20'000;
constexpr std::int64_t most_waiting_bytes = std::int64_t{32} << 20U;
// Of one request, each device of a "*" counted: a key for every device of a room of a thousand
// officers, in a few requests.
constexpr std::size_t most_messages = 10'000;
constexpr std::size_t most_bytes = std::size_t{4} << 20U;
constexpr std::size_t longest_type = 255;

// What a request puts into queues. Thread: the writer's.
class Delivery {
 public:
  Delivery(store::Transaction& transaction, const ToDeviceRequest& request) noexcept
      : transaction_(transaction), request_(request) {}

  Result<> deliver(const ToDeviceMessage& message) {
    json::Writer out;
    out.begin_object().raw_member("content", message.content);
    out.member("sender", request_.sender).member("type", request_.type).end_object();
    sql::Connection& sql = transaction_.sql();
    if (message.device_id != "*") {
      GIMS_TRY_ASSIGN(const auto device,
                      sql::first(sql, sql_of::DeviceById{message.user_id, message.device_id}));
      if (!device) return {};  // it may have been signed out a moment ago
      return put(message.user_id, message.device_id, out.text());
    }
    GIMS_TRY_ASSIGN(const auto devices, sql::all(sql, sql_of::DevicesOfUser{message.user_id}));
    for (const auto& device : devices) {
      GIMS_TRY(put(message.user_id, device.device_id, out.text()));
    }
    return {};
  }

 private:
  Result<> put(std::string_view user_id, std::string_view device_id, std::string_view content) {
    bytes_ += content.size();
    if (++messages_ > most_messages || bytes_ > most_bytes) {
      return too_large("The messages are too many or too large. Send them in several requests.");
    }
    sql::Connection& sql = transaction_.sql();
    GIMS_TRY_ASSIGN(const auto queue, sql::first(sql, sql_of::ToDeviceQueue{user_id, device_id}));
    const auto size = static_cast<std::int64_t>(content.size());
    const std::int64_t messages = queue ? queue->message_total + 1 : 1;
    const std::int64_t bytes = (queue ? queue->byte_total : 0) + size;
    if (queue && (messages - queue->messages_gone > most_waiting ||
                  bytes - queue->bytes_gone > most_waiting_bytes)) {
      log::warning(log::id::to_device_queue_full,
                   "a device's queue of to-device messages is full; one was dropped",
                   {{"USER", user_id}, {"DEVICE", device_id}});
      return {};
    }
    const store::StreamId position = transaction_.next_position();
    GIMS_TRY(sql::run(sql, sql_of::InsertToDevice{.stream_id = position,
                                                  .user_id = user_id,
                                                  .device_id = device_id,
                                                  .content = sql::Blob{content},
                                                  .message_total = messages,
                                                  .byte_total = bytes}));
    transaction_.publish(
        store::ToDeviceAdded{position, std::string(user_id), std::string(device_id)});
    return {};
  }

  store::Transaction& transaction_;
  const ToDeviceRequest& request_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<std::vector<ToDeviceMessage>> ToDevice::decode(json::Value body) {
  GIMS_TRY_ASSIGN(const json::Value by_user, json::required_object(body, "messages"));
  std::vector<ToDeviceMessage> messages;
  GIMS_TRY(json::each_nested(
      by_user, "messages", most_messages,
      [&](std::string_view user_id, std::string_view device_id, json::Value content) -> Result<> {
        if (!content.is_object()) {
          return bad_json("messages holds an object for each device.");
        }
        std::string text = content.to_text();
        if (text.size() > largest_to_device) return too_large("A message has at most 64 KiB.");
        messages.push_back({.user_id = std::string(user_id),
                            .device_id = std::string(device_id),
                            .content = std::move(text)});
        return {};
      }));
  return messages;
}

void ToDevice::send(ToDeviceRequest request, std::move_only_function<void(Result<>)> done) {
  if (request.type.size() > longest_type) {
    return done(invalid_param("An event type has at most 255 bytes."));
  }
  store_.writer().submit(
      [request = std::move(request)](store::Transaction& transaction) -> Result<> {
        const std::string endpoint = "sendToDevice/" + request.type;
        GIMS_TRY_ASSIGN(const bool first, store::remember(transaction,
                                                          {.user_id = request.sender,
                                                           .device_id = request.sender_device,
                                                           .txn_id = request.txn_id,
                                                           .endpoint = endpoint},
                                                          "{}"));
        if (!first) return {};
        Delivery delivery(transaction, request);
        for (const ToDeviceMessage& message : request.messages) {
          GIMS_TRY(delivery.deliver(message));
        }
        return {};
      },
      std::move(done));
}

}  // namespace gims::service

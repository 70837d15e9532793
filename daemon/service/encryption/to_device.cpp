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

// Waiting messages of one device. A phone that was off for a month in busy rooms has some
// thousands.
constexpr std::int64_t most_waiting = 20'000;
// Of one request: a key for every device of a room of a thousand officers.
constexpr std::size_t most_messages = 10'000;
constexpr std::size_t longest_type = 255;

Result<> deliver(store::Transaction& transaction, std::string_view user_id,
                 std::string_view device_id, std::string_view content) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto queue,
                  sql::first(sql, sql_of::ToDeviceWaiting{user_id, device_id, most_waiting}));
  if (queue && queue->waiting >= most_waiting) {
    log::warning(log::id::to_device_queue_full,
                 "a device's queue of to-device messages is full; one was dropped",
                 {{"USER", user_id}, {"DEVICE", device_id}});
    return {};
  }
  const store::StreamId position = transaction.next_position();
  GIMS_TRY(sql::run(sql, sql_of::InsertToDevice{position, user_id, device_id, sql::Blob{content}}));
  transaction.publish(store::ToDeviceAdded{position, std::string(user_id), std::string(device_id)});
  return {};
}

Result<> deliver_to_all(store::Transaction& transaction, std::string_view user_id,
                        std::string_view content) {
  GIMS_TRY_ASSIGN(const auto devices, sql::all(transaction.sql(), sql_of::DevicesOfUser{user_id}));
  for (const auto& device : devices) {
    GIMS_TRY(deliver(transaction, user_id, device.device_id, content));
  }
  return {};
}

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
        messages.push_back({.user_id = std::string(user_id),
                            .device_id = std::string(device_id),
                            .content = content.to_text()});
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
        for (const ToDeviceMessage& message : request.messages) {
          json::Writer out;
          out.begin_object().raw_member("content", message.content);
          out.member("sender", request.sender).member("type", request.type).end_object();
          if (message.device_id == "*") {
            GIMS_TRY(deliver_to_all(transaction, message.user_id, out.text()));
            continue;
          }
          GIMS_TRY_ASSIGN(const auto device,
                          sql::first(transaction.sql(),
                                     sql_of::DeviceById{message.user_id, message.device_id}));
          if (!device) continue;  // it may have been signed out a moment ago
          GIMS_TRY(deliver(transaction, message.user_id, message.device_id, out.text()));
        }
        return {};
      },
      std::move(done));
}

}  // namespace gims::service

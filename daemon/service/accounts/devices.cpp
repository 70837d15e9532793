#include "service/accounts/devices.hpp"

#include <utility>

#include "service/encryption/device_keys.hpp"
#include "service/errors.hpp"
#include "store/statements/devices.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr std::size_t longest_name = 255;

std::unexpected<Error> no_such_device() { return not_found("You have no such device."); }

}  // namespace

Result<std::vector<Device>> Devices::list(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  std::vector<Device> devices;
  GIMS_TRY(sql::for_each(reader.sql(), sql_of::DevicesOfUser{user_id}, [&](const auto& row) {
    devices.push_back({.device_id = std::string(row.device_id),
                       .display_name = std::optional<std::string>(row.display_name),
                       .created_ts = row.created_ts,
                       .last_seen_ts = row.last_seen_ts,
                       .last_seen_ip = std::optional<std::string>(row.last_seen_ip),
                       .last_seen_agent = std::optional<std::string>(row.last_seen_agent)});
  }));
  return devices;
}

Result<Device> Devices::find(std::string_view user_id, std::string_view device_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(auto row, sql::first(reader.sql(), sql_of::DeviceById{user_id, device_id}));
  if (!row) return no_such_device();
  return Device{.device_id = std::string(device_id),
                .display_name = std::move(row->display_name),
                .created_ts = row->created_ts,
                .last_seen_ts = row->last_seen_ts,
                .last_seen_ip = std::move(row->last_seen_ip),
                .last_seen_agent = std::move(row->last_seen_agent)};
}

void Devices::rename(std::string user_id, std::string device_id, std::optional<std::string> name,
                     std::move_only_function<void(Result<>)> done) {
  if (name && name->size() > longest_name) {
    return done(too_large("A device's name has at most 255 bytes."));
  }
  store_.writer().submit(
      [user_id = std::move(user_id), device_id = std::move(device_id),
       name = std::move(name)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::DeviceById{user_id, device_id}));
        if (!row) return no_such_device();
        if (!name) return {};
        GIMS_TRY(sql::run(sql, sql_of::RenameDevice{user_id, device_id, std::string_view(*name)}));
        // The name is part of what /keys/query tells others.
        return device_list_changed(transaction, user_id);
      },
      std::move(done));
}

void Devices::remove(std::string user_id, std::vector<std::string> device_ids,
                     std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [this, user_id = std::move(user_id),
       device_ids = std::move(device_ids)](store::Transaction& transaction) -> Result<> {
        for (const std::string& device_id : device_ids) {
          GIMS_TRY_ASSIGN(const auto row,
                          sql::first(transaction.sql(), sql_of::DeviceById{user_id, device_id}));
          if (row) GIMS_TRY(removal_.remove(transaction, user_id, device_id));
        }
        return {};
      },
      std::move(done));
}

}  // namespace gims::service

#include "service/accounts/device_removal.hpp"

#include <string>

#include "store/statements/devices.hpp"
#include "store/statements/push.hpp"

namespace gims::service {
namespace sql_of = store::statements;

Result<> DeviceRemoval::remove(store::Transaction& transaction, std::string_view user_id,
                               std::string_view device_id) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY(sql::run(sql, sql_of::DeleteDevice{user_id, device_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeleteAccessTokensOfDevice{user_id, device_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeleteRefreshTokensOfDevice{user_id, device_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeletePushersOfDevice{user_id, device_id}));
  GIMS_TRY(keys_.device_removed(transaction, user_id, device_id));
  transaction.publish(store::PushersChanged{std::string(user_id)});
  transaction.publish(store::DeviceRemoved{std::string(user_id), std::string(device_id)});
  return {};
}

Result<> DeviceRemoval::remove_all(store::Transaction& transaction, std::string_view user_id,
                                   std::string_view except_device) {
  GIMS_TRY_ASSIGN(const auto devices, sql::all(transaction.sql(), sql_of::DevicesOfUser{user_id}));
  for (const auto& device : devices) {
    if (device.device_id == except_device) continue;
    GIMS_TRY(remove(transaction, user_id, device.device_id));
  }
  return {};
}

}  // namespace gims::service

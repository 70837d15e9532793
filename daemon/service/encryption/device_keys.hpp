// Device keys, one-time keys and fallback keys (spec: client-server API, "Key management API").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "service/accounts/device_removal.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service {

struct OneTimeKey {
  std::string algorithm;
  std::string key_id;
  std::string content;  // canonical JSON
};

struct KeyUpload {
  std::optional<std::string> device_keys;  // canonical JSON
  std::vector<OneTimeKey> one_time_keys;
  std::vector<OneTimeKey> fallback_keys;
};

struct KeyQuery {
  std::string user_id;
  std::vector<std::string> device_ids;  // empty: all
};

struct KeyClaim {
  std::string user_id;
  std::string device_id;
  std::string algorithm;
};

// Thread: any.
class DeviceKeys final : public DeviceKeyRemoval {
 public:
  DeviceKeys(store::Store& store, const Policy& policy) noexcept : store_(store), policy_(policy) {}

  // Checks the body of POST /keys/upload for this device. M_BAD_JSON, M_INVALID_PARAM.
  [[nodiscard]] static Result<KeyUpload> decode_upload(json::Value body, std::string_view user_id,
                                                       std::string_view device_id);
  // Gives the counts by algorithm, as JSON. A one-time key that comes again is passed over if it is
  // the same or has been given out, and refused with M_INVALID_PARAM if it differs.
  void upload(std::string user_id, std::string device_id, KeyUpload upload,
              std::move_only_function<void(Result<std::string>)> done);

  // The body of 200 of POST /keys/query, as `viewer` may see it: under
  // Policy::withhold_unverified_devices, other users' devices only when signed by their owner's
  // self-signing key.
  [[nodiscard]] Result<std::string> query(std::string_view viewer,
                                          const std::vector<KeyQuery>& wanted);
  // The body of 200 of POST /keys/claim. No key is given out twice: it is deleted in the
  // transaction that the answer waits for.
  void claim(std::string claimer, std::vector<KeyClaim> claims,
             std::move_only_function<void(Result<std::string>)> done);

  [[nodiscard]] Result<> device_removed(store::Transaction& transaction, std::string_view user_id,
                                        std::string_view device_id) override;

 private:
  store::Store& store_;
  const Policy& policy_;
};

// Tells everybody who shares a room with the user that the keys are to be asked for again.
[[nodiscard]] Result<> device_list_changed(store::Transaction& transaction,
                                           std::string_view user_id);

}  // namespace gims::service

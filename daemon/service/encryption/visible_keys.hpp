// A user's keys as one viewer may see them: what /keys/query shows and /keys/claim follows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sql/connection.hpp"
#include "store/statements/device_keys.hpp"

namespace gims::service {

// Reads a user's keys once. Lives as long as the snapshot it was read from is wanted; one thread.
class VisibleKeys {
 public:
  // `withhold`: hide other users' devices that their owner's self-signing key did not sign.
  [[nodiscard]] static Result<VisibleKeys> read(sql::Connection& sql, std::string_view user_id,
                                                std::string_view viewer, bool withhold);
  // Never one that an administrator locked, to its owner neither.
  [[nodiscard]] bool shows_device(std::string_view device_id) const;
  struct Device {
    std::string device_id;
    std::string json;  // the uploaded object, all visible signatures, unsigned.device_display_name
  };
  [[nodiscard]] Result<std::vector<Device>> devices() const;
  // The JSON of a cross-signing key; empty where there is none or it is not for the viewer.
  [[nodiscard]] Result<std::string> cross_signing_key(std::string_view usage) const;

 private:
  using Signature = store::statements::VisibleSignatures::Row;
  [[nodiscard]] Result<std::string> with_signatures(std::string_view content,
                                                    std::string_view target_key,
                                                    std::string_view unsigned_json) const;

  std::string user_id_;
  std::string viewer_;
  bool withhold_ = false;
  std::string self_signing_key_;  // "ed25519:..." of its public part
  std::vector<store::statements::DeviceKeysOfUser::Row> devices_;
  std::vector<store::statements::CrossSigningKeysOfUser::Row> cross_signing_;
  std::vector<Signature> signatures_;
};

}  // namespace gims::service

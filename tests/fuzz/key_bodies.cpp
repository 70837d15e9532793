// Bodies of the end-to-end encryption modules: the first byte says which; the rest is the body.
// What a decoder lets pass is within the bounds that the store relies on, and is JSON again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "json/value.hpp"
#include "service/encryption/cross_signing.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/encryption/key_backup.hpp"
#include "service/encryption/to_device.hpp"

namespace {

using namespace gims::service;  // NOLINT(google-build-using-namespace)
using gims::json::Document;
using gims::json::Value;

constexpr std::string_view user = "@desk.officer:gims.internal";

void is_object(const std::string& json) {
  const auto document = Document::parse(json);
  GIMS_CHECK(document && document->root().is_object());
}

void device_keys(Value body) {
  const auto upload = DeviceKeys::decode_upload(body, user, "PHONE");
  if (!upload) return;
  if (upload->device_keys) is_object(*upload->device_keys);
  for (const auto* keys : {&upload->one_time_keys, &upload->fallback_keys}) {
    for (const OneTimeKey& key : *keys) {
      GIMS_CHECK(!key.algorithm.empty() && !key.key_id.empty());
      GIMS_CHECK(Document::parse(key.content));
    }
  }
}

void cross_signing(Value body) {
  const auto keys = CrossSigning::decode_upload(body, user);
  if (!keys) return;
  GIMS_CHECK(keys->size() <= 3);
  for (const CrossSigningKey& key : *keys) {
    GIMS_CHECK(!key.public_key.empty());
    is_object(key.content);
  }
}

void backup(Value body, const BackupSelection& into) {
  const auto sessions = KeyBackups::decode(body, into);
  if (!sessions) return;
  for (const BackedUpSession& session : *sessions) {
    GIMS_CHECK(!session.room_id.empty() && !session.session_id.empty());
    GIMS_CHECK(session.room_id.size() <= 255 && session.session_id.size() <= 255);
    is_object(session.session_data);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto document =
      Document::parse(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (!document) return 0;
  const Value body = document->root();
  switch (data[0] % 6) {
    case 0:
      device_keys(body);
      break;
    case 1:
      cross_signing(body);
      break;
    case 2:
      backup(body, {});
      break;
    case 3:
      backup(body, {.room_id = "!room:gims.internal", .session_id = std::nullopt});
      break;
    case 4:
      backup(body, {.room_id = "!room:gims.internal", .session_id = "session"});
      break;
    default:
      if (const auto messages = ToDevice::decode(body); messages) {
        GIMS_CHECK(messages->size() <= 10'000);
      }
  }
  return 0;
}

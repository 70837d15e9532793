#include "service/encryption/visible_keys.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "json/edit.hpp"
#include "json/text.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::service {
namespace sql_of = store::statements;

Result<VisibleKeys> VisibleKeys::read(sql::Connection& sql, std::string_view user_id,
                                      std::string_view viewer, bool withhold) {
  VisibleKeys keys;
  keys.user_id_ = user_id;
  keys.viewer_ = viewer;
  keys.withhold_ = withhold && user_id != viewer;
  GIMS_TRY_ASSIGN(keys.devices_, sql::all(sql, sql_of::DeviceKeysOfUser{user_id}));
  GIMS_TRY_ASSIGN(keys.cross_signing_, sql::all(sql, sql_of::CrossSigningKeysOfUser{user_id}));
  GIMS_TRY_ASSIGN(keys.signatures_, sql::all(sql, sql_of::VisibleSignatures{user_id, viewer}));
  for (const auto& key : keys.cross_signing_) {
    if (key.usage == "self_signing") keys.self_signing_key_ = "ed25519:" + key.public_key;
  }
  return keys;
}

bool VisibleKeys::shows_device(std::string_view device_id) const {
  const bool is_locked = std::ranges::any_of(devices_, [&](const auto& device) {
    return device.device_id == device_id && device.locked_ts;
  });
  if (is_locked) return false;
  if (!withhold_) return true;
  return std::ranges::any_of(signatures_, [&](const Signature& signature) {
    return signature.target_key == device_id && signature.signer_user == user_id_ &&
           signature.signer_key == self_signing_key_;
  });
}

Result<std::vector<VisibleKeys::Device>> VisibleKeys::devices() const {
  std::vector<Device> shown;
  for (const auto& row : devices_) {
    if (!shows_device(row.device_id)) continue;
    json::Writer unsigned_json;
    unsigned_json.begin_object();
    if (row.display_name) unsigned_json.member("device_display_name", *row.display_name);
    unsigned_json.end_object();
    GIMS_TRY_ASSIGN(std::string json,
                    with_signatures(row.content, row.device_id, unsigned_json.text()));
    shown.push_back({.device_id = row.device_id, .json = std::move(json)});
  }
  return shown;
}

Result<std::string> VisibleKeys::cross_signing_key(std::string_view usage) const {
  // Whom one has verified is nobody else's business.
  if (usage == "user_signing" && user_id_ != viewer_) return std::string();
  for (const auto& row : cross_signing_) {
    if (row.usage == usage) return with_signatures(row.content, row.public_key, {});
  }
  return std::string();
}

Result<std::string> VisibleKeys::with_signatures(std::string_view content,
                                                 std::string_view target_key,
                                                 std::string_view unsigned_json) const {
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(content));
  // Those uploaded with the object first; a newer one under the same name takes its place.
  std::map<std::string, std::map<std::string, std::string>> by_signer;
  for (const auto [signer, signatures] : document.root().get("signatures").object()) {
    for (const auto [key_id, signature] : signatures.object()) {
      by_signer[std::string(signer)][std::string(key_id)] = signature.string_or("");
    }
  }
  for (const Signature& signature : signatures_) {
    if (signature.target_key == target_key) {
      by_signer[signature.signer_user][signature.signer_key] = signature.signature;
    }
  }
  json::Writer signatures;
  signatures.begin_object();
  for (const auto& [signer, keys] : by_signer) {
    signatures.key(signer).begin_object();
    for (const auto& [key_id, signature] : keys) signatures.member(key_id, signature);
    signatures.end_object();
  }
  signatures.end_object();
  std::array<json::Change, 2> changes{json::Change{.key = "signatures", .json = signatures.text()},
                                      json::Change{.key = "unsigned", .json = std::nullopt}};
  if (!unsigned_json.empty()) changes[1].json = unsigned_json;
  return json::changed(document.root(), changes);
}

}  // namespace gims::service

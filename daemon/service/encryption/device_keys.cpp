#include "service/encryption/device_keys.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "crypto/ed25519.hpp"
#include "json/canonical.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "matrix/signed_json.hpp"
#include "service/encryption/visible_keys.hpp"
#include "service/errors.hpp"
#include "store/statements/device_keys.hpp"
#include "store/statements/to_device.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Clients keep some 50 to 100 unclaimed keys; this many is somebody filling our disk.
constexpr std::int64_t most_one_time_keys = 1000;
// One an algorithm, of which there is one today.
constexpr std::int64_t most_fallback_keys = 16;
constexpr std::size_t largest_key = 4096;
constexpr std::size_t longest_key_name = 255;
// A client repeats an upload within minutes; after this an id that was given out is forgotten.
constexpr Millis remember_claimed = Millis{30} * 24 * 3600 * 1000;

Result<std::vector<OneTimeKey>> decode_keys(json::Value body, std::string_view field) {
  GIMS_TRY_ASSIGN(const json::Value object, json::optional_object(body, field));
  std::vector<OneTimeKey> keys;
  for (const auto [name, value] : object.object()) {
    const std::size_t colon = name.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == name.size() ||
        name.size() > longest_key_name) {
      return invalid_param("A key's name is \"<algorithm>:<key id>\".");
    }
    if (!value.is_object() && !value.is_string()) {
      return bad_json("A one-time key is a string or an object.");
    }
    GIMS_TRY_ASSIGN(std::string content, json::canonical(value));
    if (content.size() > largest_key) return too_large("A one-time key has at most 4 KiB.");
    keys.push_back({.algorithm = std::string(name.substr(0, colon)),
                    .key_id = std::string(name.substr(colon + 1)),
                    .content = std::move(content)});
  }
  return keys;
}

Result<> check_device_keys(json::Value keys, std::string_view user_id, std::string_view device_id) {
  GIMS_TRY_ASSIGN(const std::string_view user, json::required_string(keys, "user_id"));
  GIMS_TRY_ASSIGN(const std::string_view device, json::required_string(keys, "device_id"));
  if (user != user_id || device != device_id) {
    return invalid_param("device_keys must be those of the device that uploads them.");
  }
  GIMS_TRY(json::required_strings(keys, "algorithms"));
  GIMS_TRY_ASSIGN(const json::Value named, json::required_object(keys, "keys"));
  for (const auto [name, value] : named.object()) {
    if (!value.is_string()) return bad_json("Each of device_keys.keys must be a string.");
  }
  GIMS_TRY(json::required_object(keys, "signatures"));
  return {};
}

// One-time and fallback keys are signed by the device's key: they go with it. So does the memory of
// those given out, as a new device begins to count its keys from the start.
Result<> forget_one_time_keys(sql::Connection& sql, std::string_view user_id,
                              std::string_view device_id) {
  GIMS_TRY(sql::run(sql, sql_of::DeleteOneTimeKeysOfDevice{user_id, device_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeleteClaimedOneTimeKeysOfDevice{user_id, device_id}));
  return sql::run(sql, sql_of::DeleteFallbackKeysOfDevice{user_id, device_id});
}

// A client that holds the self-signing key may upload its device's keys signed already.
Result<> keep_self_signature(sql::Connection& sql, std::string_view user_id,
                             std::string_view device_id, json::Value keys) {
  GIMS_TRY_ASSIGN(const auto identity, sql::all(sql, sql_of::CrossSigningKeysOfUser{user_id}));
  const auto self_signing =
      std::ranges::find(identity, "self_signing", &sql_of::CrossSigningKeysOfUser::Row::usage);
  if (self_signing == identity.end()) return {};
  const std::string signer = "ed25519:" + self_signing->public_key;
  const auto public_key = crypto::public_key_from_base64(self_signing->public_key);
  if (!public_key || !matrix::verify_signed_json(keys, user_id, signer, *public_key)) return {};
  const std::string signature(keys.get("signatures").get(user_id).get(signer).string_or(""));
  return sql::run(sql, sql_of::UpsertKeySignature{.target_user = user_id,
                                                  .target_key = device_id,
                                                  .signer_user = user_id,
                                                  .signer_key = signer,
                                                  .signature = signature});
}

Result<> store_device_keys(store::Transaction& transaction, const std::string& user_id,
                           const std::string& device_id, const std::string& content) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto known,
                  sql::first(sql, sql_of::DeviceKeysByDevice{user_id, device_id}));
  if (known && known->content == content) return {};
  GIMS_TRY_ASSIGN(const json::Document fresh, json::Document::parse(content));
  if (known) {
    GIMS_TRY_ASSIGN(const json::Document old, json::Document::parse(known->content));
    GIMS_TRY_ASSIGN(const std::string old_part, matrix::signed_part(old.root()));
    GIMS_TRY_ASSIGN(const std::string fresh_part, matrix::signed_part(fresh.root()));
    // A signature on the keys before says nothing of these.
    if (old_part != fresh_part) {
      GIMS_TRY(sql::run(sql, sql_of::DeleteSignaturesOnDevice{user_id, device_id}));
    }
    if (!old.root().get("keys").equals(fresh.root().get("keys"))) {
      GIMS_TRY(forget_one_time_keys(sql, user_id, device_id));
      transaction.publish(store::KeyCountsChanged{user_id, device_id});
    }
  }
  GIMS_TRY(sql::run(sql, sql_of::UpsertDeviceKeys{user_id, device_id, sql::Blob{content}}));
  GIMS_TRY(keep_self_signature(sql, user_id, device_id, fresh.root()));
  return device_list_changed(transaction, user_id);
}

Result<> store_one_time_key(store::Transaction& transaction, std::string_view user_id,
                            std::string_view device_id, const OneTimeKey& key,
                            store::StreamId position) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(
      const auto known,
      sql::first(sql, sql_of::OneTimeKeyById{user_id, device_id, key.algorithm, key.key_id}));
  if (known) {
    if (known->content == key.content) return {};
    return invalid_param("One-time key " + key.algorithm + ":" + key.key_id +
                         " has been uploaded before with another content.");
  }
  GIMS_TRY_ASSIGN(
      const auto claimed,
      sql::first(sql, sql_of::ClaimedOneTimeKey{user_id, device_id, key.algorithm, key.key_id}));
  if (claimed) return {};
  return sql::run(sql, sql_of::InsertOneTimeKey{.user_id = user_id,
                                                .device_id = device_id,
                                                .algorithm = key.algorithm,
                                                .key_id = key.key_id,
                                                .content = sql::Blob{key.content},
                                                .stream_id = position});
}

Result<std::string> count_keys(sql::Connection& sql, std::string_view user_id,
                               std::string_view device_id) {
  json::Writer out;
  out.begin_object().key("one_time_key_counts").begin_object();
  std::int64_t total = 0;
  GIMS_TRY(sql::for_each(sql, sql_of::CountOneTimeKeys{user_id, device_id}, [&](const auto& row) {
    out.member(row.algorithm, row.keys);
    total += row.keys;
  }));
  out.end_object().end_object();
  if (total > most_one_time_keys) {
    return too_large("A device keeps at most 1,000 one-time keys here.");
  }
  GIMS_TRY_ASSIGN(const auto fallback,
                  sql::first(sql, sql_of::CountFallbackKeys{user_id, device_id}));
  if (fallback && fallback->keys > most_fallback_keys) {
    return too_large("A device keeps at most 16 fallback keys here, one of an algorithm.");
  }
  return out.take();
}

struct GivenKey {
  std::string algorithm;
  std::string key_id;
  std::string content;
};

Result<std::optional<GivenKey>> take_key(store::Transaction& transaction, const KeyClaim& claim) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(auto key, sql::first(sql, sql_of::OldestOneTimeKey{claim.user_id, claim.device_id,
                                                                     claim.algorithm}));
  if (key) {
    GIMS_TRY(sql::run(sql, sql_of::DeleteOneTimeKey{claim.user_id, claim.device_id, claim.algorithm,
                                                    key->key_id}));
    GIMS_TRY(sql::run(
        sql, sql_of::InsertClaimedOneTimeKey{claim.user_id, claim.device_id, claim.algorithm,
                                             key->key_id, transaction.now_ms()}));
    transaction.publish(store::KeyCountsChanged{claim.user_id, claim.device_id});
    return std::optional(
        GivenKey{claim.algorithm, std::move(key->key_id), std::move(key->content)});
  }
  GIMS_TRY_ASSIGN(auto fallback, sql::first(sql, sql_of::FallbackKey{claim.user_id, claim.device_id,
                                                                     claim.algorithm}));
  if (!fallback) return std::optional<GivenKey>();
  if (fallback->used == 0) {
    GIMS_TRY(sql::run(
        sql, sql_of::MarkFallbackKeyUsed{claim.user_id, claim.device_id, claim.algorithm}));
    transaction.publish(store::KeyCountsChanged{claim.user_id, claim.device_id});
  }
  return std::optional(
      GivenKey{claim.algorithm, std::move(fallback->key_id), std::move(fallback->content)});
}

}  // namespace

Result<> device_list_changed(store::Transaction& transaction, std::string_view user_id) {
  const store::StreamId position = transaction.next_position();
  GIMS_TRY(sql::run(transaction.sql(), sql_of::UpsertDeviceListChange{position, user_id}));
  transaction.publish(store::DeviceListChanged{position, std::string(user_id)});
  return {};
}

Result<KeyUpload> DeviceKeys::decode_upload(json::Value body, std::string_view user_id,
                                            std::string_view device_id) {
  KeyUpload upload;
  GIMS_TRY_ASSIGN(const json::Value keys, json::optional_object(body, "device_keys"));
  if (keys) {
    GIMS_TRY(check_device_keys(keys, user_id, device_id));
    // What a client writes into `unsigned` is not signed, so it is not passed on.
    constexpr std::array<std::string_view, 1> left_out{"unsigned"};
    GIMS_TRY_ASSIGN(upload.device_keys, json::canonical_without(keys, left_out));
  }
  GIMS_TRY_ASSIGN(upload.one_time_keys, decode_keys(body, "one_time_keys"));
  GIMS_TRY_ASSIGN(upload.fallback_keys, decode_keys(body, "fallback_keys"));
  return upload;
}

void DeviceKeys::upload(std::string user_id, std::string device_id, KeyUpload upload,
                        std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), device_id = std::move(device_id),
       upload = std::move(upload)](store::Transaction& transaction) -> Result<std::string> {
        sql::Connection& sql = transaction.sql();
        if (upload.device_keys) {
          GIMS_TRY(store_device_keys(transaction, user_id, device_id, *upload.device_keys));
        }
        const store::StreamId position = transaction.next_position();
        GIMS_TRY(sql::run(sql, sql_of::ForgetClaimedOneTimeKeys{
                                   user_id, device_id, transaction.now_ms() - remember_claimed}));
        for (const OneTimeKey& key : upload.one_time_keys) {
          GIMS_TRY(store_one_time_key(transaction, user_id, device_id, key, position));
        }
        for (const OneTimeKey& key : upload.fallback_keys) {
          GIMS_TRY_ASSIGN(const auto known,
                          sql::first(sql, sql_of::FallbackKey{user_id, device_id, key.algorithm}));
          // The same key again keeps its mark of having been used.
          if (known && known->key_id == key.key_id && known->content == key.content) continue;
          GIMS_TRY(sql::run(sql, sql_of::UpsertFallbackKey{user_id, device_id, key.algorithm,
                                                           key.key_id, sql::Blob{key.content}}));
        }
        if (!upload.one_time_keys.empty() || !upload.fallback_keys.empty()) {
          transaction.publish(store::KeyCountsChanged{user_id, device_id});
        }
        return count_keys(sql, user_id, device_id);
      },
      std::move(done));
}

Result<std::string> DeviceKeys::query(std::string_view viewer,
                                      const std::vector<KeyQuery>& wanted) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  json::Writer devices;
  std::array<json::Writer, 3> cross_signing;
  constexpr std::array<std::string_view, 3> usages{"master", "self_signing", "user_signing"};
  devices.begin_object();
  for (json::Writer& out : cross_signing) out.begin_object();
  for (const KeyQuery& query : wanted) {
    GIMS_TRY_ASSIGN(const VisibleKeys keys, VisibleKeys::read(reader.sql(), query.user_id, viewer,
                                                              policy_.withhold_unverified_devices));
    GIMS_TRY_ASSIGN(const auto shown, keys.devices());
    devices.key(query.user_id).begin_object();
    for (const VisibleKeys::Device& device : shown) {
      if (query.device_ids.empty() || std::ranges::contains(query.device_ids, device.device_id)) {
        devices.raw_member(device.device_id, device.json);
      }
    }
    devices.end_object();
    for (std::size_t i = 0; i < usages.size(); ++i) {
      GIMS_TRY_ASSIGN(const std::string key, keys.cross_signing_key(usages[i]));
      if (!key.empty()) cross_signing[i].raw_member(query.user_id, key);
    }
  }
  devices.end_object();
  for (json::Writer& out : cross_signing) out.end_object();
  json::Writer out;
  out.begin_object().raw_member("device_keys", devices.text());
  out.key("failures").begin_object().end_object();
  out.raw_member("master_keys", cross_signing[0].text());
  out.raw_member("self_signing_keys", cross_signing[1].text());
  out.raw_member("user_signing_keys", cross_signing[2].text()).end_object();
  return out.take();
}

void DeviceKeys::claim(std::string claimer, std::vector<KeyClaim> claims,
                       std::move_only_function<void(Result<std::string>)> done) {
  // One object a user in the answer, whatever order they were asked in.
  std::ranges::stable_sort(claims, {}, &KeyClaim::user_id);
  store_.writer().submit(
      [withhold = policy_.withhold_unverified_devices, claimer = std::move(claimer),
       claims = std::move(claims)](store::Transaction& transaction) -> Result<std::string> {
        json::Writer out;
        out.begin_object().key("failures").begin_object().end_object();
        out.key("one_time_keys").begin_object();
        for (auto claim = claims.begin(); claim != claims.end();) {
          const std::string& user_id = claim->user_id;
          GIMS_TRY_ASSIGN(const VisibleKeys visible,
                          VisibleKeys::read(transaction.sql(), user_id, claimer, withhold));
          json::Writer of_user;
          bool any = false;
          of_user.begin_object();
          for (; claim != claims.end() && claim->user_id == user_id; ++claim) {
            if (!visible.shows_device(claim->device_id)) continue;
            GIMS_TRY_ASSIGN(const auto key, take_key(transaction, *claim));
            if (!key) continue;
            any = true;
            of_user.key(claim->device_id).begin_object();
            of_user.raw_member(key->algorithm + ":" + key->key_id, key->content).end_object();
          }
          of_user.end_object();
          if (any) out.raw_member(user_id, of_user.text());
        }
        out.end_object().end_object();
        return out.take();
      },
      std::move(done));
}

Result<> DeviceKeys::device_removed(store::Transaction& transaction, std::string_view user_id,
                                    std::string_view device_id) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY(sql::run(sql, sql_of::DeleteDeviceKeys{user_id, device_id}));
  GIMS_TRY(forget_one_time_keys(sql, user_id, device_id));
  GIMS_TRY(sql::run(sql, sql_of::DeleteSignaturesOnDevice{user_id, device_id}));
  GIMS_TRY(sql::run(sql, sql_of::DeleteToDeviceOfDevice{user_id, device_id}));
  return device_list_changed(transaction, user_id);
}

}  // namespace gims::service

#include "service/encryption/cross_signing.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "crypto/ed25519.hpp"
#include "json/canonical.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "matrix/signed_json.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/errors.hpp"
#include "store/audit.hpp"
#include "store/statements/device_keys.hpp"
#include "store/statements/devices.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> fields{{
    {"master_key", "master"},
    {"self_signing_key", "self_signing"},
    {"user_signing_key", "user_signing"},
}};

std::unexpected<Error> invalid_signature(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_INVALID_SIGNATURE", text);
}

std::unexpected<Error> needs_two_persons() {
  return forbidden(
      "This account has an encrypted identity already. Verify this device with another one or with "
      "the recovery key; a new identity is a matter for your security officer.");
}

// The only key of the object; its name must be "ed25519:" and the key itself.
Result<std::string> public_key_of(json::Value object) {
  GIMS_TRY_ASSIGN(const json::Value keys, json::required_object(object, "keys"));
  if (keys.size() != 1) return invalid_param("A cross-signing key object holds one key.");
  const auto [name, value] = *keys.object().begin();
  const std::string_view key = value.string_or("");
  if (name != "ed25519:" + std::string(key) || !crypto::public_key_from_base64(key)) {
    return invalid_param("A cross-signing key is \"ed25519:<key>\": \"<key>\".");
  }
  return std::string(key);
}

struct Identity {
  std::map<std::string, std::string, std::less<>> public_keys;  // by usage
  std::map<std::string, std::string, std::less<>> contents;

  [[nodiscard]] std::string_view key(std::string_view usage) const {
    const auto found = public_keys.find(usage);
    return found == public_keys.end() ? std::string_view() : std::string_view(found->second);
  }
  // False where there is no such key, whatever a client calls it.
  [[nodiscard]] bool has(std::string_view usage, std::string_view public_key) const {
    const auto found = public_keys.find(usage);
    return found != public_keys.end() && found->second == public_key;
  }
};

Result<Identity> identity_of(sql::Connection& sql, std::string_view user_id) {
  Identity identity;
  GIMS_TRY(sql::for_each(sql, sql_of::CrossSigningKeysOfUser{user_id}, [&](const auto& row) {
    identity.public_keys.emplace(row.usage, row.public_key);
    identity.contents.emplace(row.usage, row.content);
  }));
  return identity;
}

// What the keys would change of an identity that is there.
enum class Effect { none, addition, replacement };

Effect effect_of(const std::vector<CrossSigningKey>& keys, const Identity& identity) {
  Effect effect = Effect::none;
  for (const CrossSigningKey& key : keys) {
    const std::string_view stored = identity.key(key.usage);
    if (stored == key.public_key) continue;
    if (!stored.empty()) return Effect::replacement;
    effect = Effect::addition;
  }
  return effect;
}

// Whether two administrators allowed the account to replace its identity, and it did not yet.
Result<bool> replacement_allowed(sql::Connection& sql, std::string_view user_id, Millis now) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::IdentityResetUntil{user_id}));
  return row && now < row->until_ts;
}

// Allowed once: it is used up, and what came of it is told where the permission is.
Result<> use_permission(store::Transaction& transaction, std::string_view user_id,
                        std::string_view master) {
  GIMS_TRY(sql::run(transaction.sql(), sql_of::DeleteIdentityReset{user_id}));
  json::Writer detail;
  detail.begin_object().member("master_key", master).end_object();
  const std::string text = detail.take();
  return store::append_audit(transaction, {.actor = user_id,
                                           .origin = "client",
                                           .act = "user.identity_replaced",
                                           .target = user_id,
                                           .detail = text});
}

// What the keys before had signed is not signed by the new master key: they end with theirs.
Result<> end_keys_of_former_master(sql::Connection& sql, std::string_view user_id,
                                   const std::vector<CrossSigningKey>& keys) {
  for (const std::string_view usage : {"self_signing", "user_signing"}) {
    if (std::ranges::contains(keys, usage, &CrossSigningKey::usage)) continue;
    GIMS_TRY(sql::run(sql, sql_of::DeleteCrossSigningKey{user_id, usage}));
  }
  return {};
}

bool signed_by(json::Value object, std::string_view user_id, std::string_view signer_key) {
  const auto key = crypto::public_key_from_base64(signer_key);
  return key &&
         matrix::verify_signed_json(object, user_id, "ed25519:" + std::string(signer_key), *key);
}

// What a signature may be put on, and the key that must have made it.
struct Target {
  std::string content;      // as stored
  std::string signer_key;   // public part
  std::string signer_name;  // "ed25519:...": a device id or a public key
};

// The signing key of one's own device, as it was uploaded.
Result<std::string> device_signing_key(sql::Connection& sql, std::string_view user_id,
                                       std::string_view device_id) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::DeviceKeysByDevice{user_id, device_id}));
  if (!row) return std::string();
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(row->content));
  const std::string name = "ed25519:" + std::string(device_id);
  return std::string(document.root().get("keys").get(name).string_or(""));
}

Result<Target> target_of_own(sql::Connection& sql, std::string_view user_id, const SignedKey& key,
                             json::Value uploaded) {
  GIMS_TRY_ASSIGN(const Identity identity, identity_of(sql, user_id));
  if (identity.has("master", key.key_id)) {
    // One's master key is signed by one's devices.
    for (const auto [name, signature] : uploaded.get("signatures").get(user_id).object()) {
      if (!name.starts_with("ed25519:") || name.substr(8) == key.key_id) continue;
      GIMS_TRY_ASSIGN(std::string device_key, device_signing_key(sql, user_id, name.substr(8)));
      if (device_key.empty()) continue;
      return Target{identity.contents.at("master"), std::move(device_key), std::string(name)};
    }
    return invalid_signature("The master key must be signed by one of the user's devices.");
  }
  GIMS_TRY_ASSIGN(auto row, sql::first(sql, sql_of::DeviceKeysByDevice{user_id, key.key_id}));
  if (!row) return not_found("There is no such device or key.");
  const std::string signer(identity.key("self_signing"));
  return Target{std::move(row->content), signer, "ed25519:" + signer};
}

Result<Target> target_of_other(sql::Connection& sql, std::string_view signer,
                               const SignedKey& key) {
  GIMS_TRY_ASSIGN(Identity theirs, identity_of(sql, key.user_id));
  if (!theirs.has("master", key.key_id)) {
    return not_found("Of another user one signs the master key, and this is not it.");
  }
  GIMS_TRY_ASSIGN(const Identity own, identity_of(sql, signer));
  const std::string user_signing(own.key("user_signing"));
  return Target{std::move(theirs.contents.at("master")), user_signing, "ed25519:" + user_signing};
}

Result<> add_signature(store::Transaction& transaction, std::string_view signer,
                       const SignedKey& key) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(key.content));
  const json::Value uploaded = document.root();
  GIMS_TRY_ASSIGN(const Target target, key.user_id == signer
                                           ? target_of_own(sql, signer, key, uploaded)
                                           : target_of_other(sql, signer, key));
  GIMS_TRY_ASSIGN(const json::Document stored, json::Document::parse(target.content));
  GIMS_TRY_ASSIGN(const std::string uploaded_part, matrix::signed_part(uploaded));
  GIMS_TRY_ASSIGN(const std::string stored_part, matrix::signed_part(stored.root()));
  if (uploaded_part != stored_part) {
    return invalid_param("This is not the key that is stored here.");
  }
  const auto public_key = crypto::public_key_from_base64(target.signer_key);
  if (!public_key ||
      !matrix::verify_signed_json(uploaded, signer, target.signer_name, *public_key)) {
    return invalid_signature("The signature does not verify.");
  }
  const std::string signature(
      uploaded.get("signatures").get(signer).get(target.signer_name).string_or(""));
  return sql::run(sql, sql_of::UpsertKeySignature{.target_user = key.user_id,
                                                  .target_key = key.key_id,
                                                  .signer_user = signer,
                                                  .signer_key = target.signer_name,
                                                  .signature = signature});
}

}  // namespace

Result<std::vector<CrossSigningKey>> CrossSigning::decode_upload(json::Value body,
                                                                 std::string_view user_id) {
  std::vector<CrossSigningKey> keys;
  for (const auto& [field, usage] : fields) {
    GIMS_TRY_ASSIGN(const json::Value object, json::optional_object(body, field));
    if (!object) continue;
    GIMS_TRY_ASSIGN(const std::string_view owner, json::required_string(object, "user_id"));
    GIMS_TRY_ASSIGN(const auto usages, json::required_strings(object, "usage"));
    if (owner != user_id || !std::ranges::contains(usages, usage)) {
      return invalid_param("The field \"" + std::string(field) +
                           "\" must hold a key of this user for this usage.");
    }
    GIMS_TRY_ASSIGN(std::string public_key, public_key_of(object));
    GIMS_TRY_ASSIGN(std::string content, json::canonical(object));
    keys.push_back({std::string(usage), std::move(public_key), std::move(content)});
  }
  return keys;
}

Result<bool> CrossSigning::needs_password(std::string_view user_id,
                                          const std::vector<CrossSigningKey>& keys) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const Identity identity, identity_of(reader.sql(), user_id));
  if (identity.key("master").empty()) return false;
  const Effect effect = effect_of(keys, identity);
  if (effect == Effect::replacement && !policy_.identity_replacement) {
    GIMS_TRY_ASSIGN(const bool allowed,
                    replacement_allowed(reader.sql(), user_id, clock_.now_ms()));
    if (!allowed) return needs_two_persons();
  }
  return effect != Effect::none;
}

void CrossSigning::upload(std::string user_id, std::vector<CrossSigningKey> keys,
                          bool with_password, std::move_only_function<void(Result<>)> done) {
  // Looked at again: another request may have stored an identity since needs_password().
  store_.writer().submit(
      [user_id = std::move(user_id), keys = std::move(keys), with_password,
       replacement = policy_.identity_replacement](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const Identity identity, identity_of(sql, user_id));
        const Effect effect =
            identity.key("master").empty() ? Effect::none : effect_of(keys, identity);
        GIMS_TRY_ASSIGN(const bool permitted,
                        replacement_allowed(sql, user_id, transaction.now_ms()));
        const Effect most = !with_password             ? Effect::none
                            : replacement || permitted ? Effect::replacement
                                                       : Effect::addition;
        if (effect > most) return needs_two_persons();
        std::string master(identity.key("master"));
        for (const CrossSigningKey& key : keys) {
          if (key.usage == "master") master = key.public_key;
        }
        if (master.empty()) {
          return fail(ErrorKind::bad_input, "M_MISSING_PARAM",
                      "The field \"master_key\" is needed: there is no identity yet.");
        }
        if (!identity.has("master", master)) {
          GIMS_TRY(end_keys_of_former_master(sql, user_id, keys));
        }
        if (effect == Effect::replacement && !replacement) {
          GIMS_TRY(use_permission(transaction, user_id, master));
        }
        bool changed = false;
        for (const CrossSigningKey& key : keys) {
          GIMS_TRY_ASSIGN(const auto device,
                          sql::first(sql, sql_of::DeviceById{user_id, key.public_key}));
          if (device) return forbidden("One of the user's devices has the id of this key.");
          GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(key.content));
          if (key.usage != "master" && !signed_by(document.root(), user_id, master)) {
            return invalid_signature("The " + key.usage + " key is not signed by the master key.");
          }
          const auto stored = identity.contents.find(key.usage);
          if (stored != identity.contents.end() && stored->second == key.content) continue;
          changed = true;
          GIMS_TRY(sql::run(sql, sql_of::UpsertCrossSigningKey{user_id, key.usage, key.public_key,
                                                               sql::Blob{key.content}}));
        }
        if (!changed) return {};
        return device_list_changed(transaction, user_id);
      },
      std::move(done));
}

Result<> CrossSigning::allow_replacement(store::Transaction& transaction, std::string_view user_id,
                                         Millis until) {
  return sql::run(transaction.sql(),
                  sql_of::AllowIdentityReset{.user_id = user_id, .until_ts = until});
}

void CrossSigning::add_signatures(std::string user_id, std::vector<SignedKey> keys,
                                  std::move_only_function<void(Result<std::string>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id),
       keys = std::move(keys)](store::Transaction& transaction) -> Result<std::string> {
        std::map<std::string, std::map<std::string, Error>> failures;
        std::set<std::string> changed;
        for (const SignedKey& key : keys) {
          if (auto added = add_signature(transaction, user_id, key); !added) {
            if (added.error().kind == ErrorKind::unavailable) return pass(std::move(added));
            failures[key.user_id].insert_or_assign(key.key_id, std::move(added).error());
          } else {
            changed.insert(key.user_id);
          }
        }
        // A device that is now signed becomes visible; a signature on another's master key is seen
        // by the signer alone, whose devices must ask for that user's keys again to find it. The
        // others who share a room with that user ask once in vain: verifications are rare.
        for (const std::string& user : changed) GIMS_TRY(device_list_changed(transaction, user));
        json::Writer out;
        out.begin_object().key("failures").begin_object();
        for (const auto& [user, by_key] : failures) {
          out.key(user).begin_object();
          for (const auto& [key_id, error] : by_key) {
            out.key(key_id).begin_object().member("errcode", error.code);
            out.member("error", error.text).end_object();
          }
          out.end_object();
        }
        out.end_object().end_object();
        return out.take();
      },
      std::move(done));
}

}  // namespace gims::service

// Clients' keys: made and signed as clients do it (spec: appendices, "Signing JSON").
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "crypto/bytes.hpp"
#include "crypto/ed25519.hpp"
#include "json/edit.hpp"
#include "json/text.hpp"
#include "matrix/signed_json.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::test {

// An Ed25519 key that any number tells apart.
class ClientKey {
 public:
  explicit ClientKey(std::uint8_t number)
      : key_(*crypto::SigningKey::from_seed(std::vector<std::uint8_t>(32, number))) {}
  [[nodiscard]] std::string base64() const { return crypto::base64(key_.public_key()); }
  [[nodiscard]] std::string id() const { return "ed25519:" + base64(); }

  // The object with a signature of this key added as signatures[user][key_id].
  [[nodiscard]] std::string sign(std::string_view object, std::string_view user,
                                 std::string_view key_id) const {
    const json::Document document = *json::Document::parse(object);
    const std::string covered = *matrix::signed_part(document.root());
    const std::string signature = crypto::base64(key_.sign(crypto::as_bytes(covered)));
    std::string signatures = "{" + json::quoted(key_id) + ":" + json::quoted(signature);
    for (const auto [name, value] : document.root().get("signatures").get(user).object()) {
      if (name != key_id) signatures += "," + json::quoted(name) + ":" + value.to_text();
    }
    const std::string all = "{" + json::quoted(user) + ":" + signatures + "}}";
    const std::array<json::Change, 1> changes{json::Change{.key = "signatures", .json = all}};
    return json::changed(document.root(), changes);
  }

 private:
  crypto::SigningKey key_;
};

// A user's three cross-signing keys, signed by the first.
struct IdentityUnderTest {
  IdentityUnderTest(std::string_view user, std::uint8_t number)
      : user_id(user),
        master(number),
        self_signing(static_cast<std::uint8_t>(number + 1)),
        user_signing(static_cast<std::uint8_t>(number + 2)) {}

  [[nodiscard]] std::string object(const ClientKey& key, std::string_view usage) const {
    return R"({"keys":{")" + key.id() + R"(":")" + key.base64() + R"("},"usage":[")" +
           std::string(usage) + R"("],"user_id":")" + user_id + R"("})";
  }
  [[nodiscard]] std::string master_json() const { return object(master, "master"); }
  [[nodiscard]] std::string self_signing_json() const {
    return master.sign(object(self_signing, "self_signing"), user_id, master.id());
  }
  [[nodiscard]] std::string user_signing_json() const {
    return master.sign(object(user_signing, "user_signing"), user_id, master.id());
  }
  [[nodiscard]] std::string body() const {
    return R"({"master_key":)" + master_json() + R"(,"self_signing_key":)" + self_signing_json() +
           R"(,"user_signing_key":)" + user_signing_json() + "}";
  }

  std::string user_id;
  ClientKey master;
  ClientKey self_signing;
  ClientKey user_signing;
};

class KeysFixture : public AccountsFixture {
 protected:
  explicit KeysFixture(service::Policy policy_of = quick_closed_policy())
      : AccountsFixture(std::move(policy_of)) {
    for (const char* name : {"desk.officer", "joint.secretary", "stranger"}) {
      script("INSERT INTO users (user_id, created_ts) VALUES ('" + id(name) + "', 0)");
    }
    add_device("desk.officer", "PHONE");
    add_device("joint.secretary", "TABLET");
  }

  // The device's keys, signed by its own.
  static std::string keys_of(std::string_view name, std::string_view device,
                             std::uint8_t number = 100) {
    const ClientKey key(number);
    const std::string own = "ed25519:" + std::string(device);
    const std::string object =
        R"({"algorithms":["m.olm.v1.curve25519-aes-sha2","m.megolm.v1.aes-sha2"],"device_id":")" +
        std::string(device) + R"(","keys":{"curve25519:)" + std::string(device) + R"(":"curve)" +
        std::to_string(number) + R"(","ed25519:)" + std::string(device) + R"(":")" + key.base64() +
        R"("},"user_id":")" + id(name) + R"("})";
    return key.sign(object, id(name), own);
  }

  Result<std::string> upload(std::string_view name, std::string_view device,
                             const std::string& body) {
    const json::Document document = *json::Document::parse(body);
    auto decoded = service::DeviceKeys::decode_upload(document.root(), id(name), device);
    if (!decoded) return pass(std::move(decoded));
    return wait<std::string>([&](auto done) {
      device_keys.upload(id(name), std::string(device), std::move(*decoded), std::move(done));
    });
  }
  Result<std::string> upload_device(std::string_view name, std::string_view device,
                                    std::uint8_t number = 100) {
    return upload(name, device, R"({"device_keys":)" + keys_of(name, device, number) + "}");
  }
  Result<> upload_identity(const std::string& body, bool with_password = false,
                           std::string_view name = "desk.officer") {
    const json::Document document = *json::Document::parse(body);
    auto keys = service::CrossSigning::decode_upload(document.root(), id(name));
    if (!keys) return pass(std::move(keys));
    return wait<void>([&](auto done) {
      cross_signing.upload(id(name), std::move(*keys), with_password, std::move(done));
    });
  }
  // The "failures" of the answer; empty object: all were taken.
  std::string add_signature(std::string_view signer, std::string_view target,
                            std::string_view key_id, std::string content) {
    const auto answer = wait<std::string>([&](auto done) {
      cross_signing.add_signatures(
          id(signer),
          {{.user_id = id(target), .key_id = std::string(key_id), .content = std::move(content)}},
          std::move(done));
    });
    const json::Document body = parsed(answer);
    const json::Value failure = body.root().get("failures").get(id(target)).get(key_id);
    return failure ? std::string(failure.get("errcode").string_or("?")) : std::string();
  }
  // The owner signs a device with the self-signing key.
  std::string self_sign(const IdentityUnderTest& identity, std::string_view device,
                        std::uint8_t number = 100, std::string_view name = "desk.officer") {
    return add_signature(name, name, device,
                         identity.self_signing.sign(keys_of(name, device, number), id(name),
                                                    identity.self_signing.id()));
  }
  json::Document query(std::string_view viewer, std::string_view of,
                       std::vector<std::string> only = {}) {
    return parsed(device_keys.query(id(viewer), {{.user_id = id(of), .device_ids = only}}));
  }
  bool shown(std::string_view viewer, std::string_view of, std::string_view device) {
    return query(viewer, of).root().get("device_keys").get(id(of)).get(device).valid();
  }
  static constexpr const char* curve = "signed_curve25519";
  // The name of the key that was given, without its algorithm; "" where there was none.
  std::string claim(std::string_view claimer, std::string_view of, std::string_view device,
                    std::string_view algorithm = curve) {
    const json::Document body = parsed(wait<std::string>([&](auto done) {
      device_keys.claim(id(claimer),
                        {{.user_id = id(of),
                          .device_id = std::string(device),
                          .algorithm = std::string(algorithm)}},
                        std::move(done));
    }));
    const json::Value given = body.root().get("one_time_keys").get(id(of)).get(device);
    for (const auto [key_id, content] : given.object()) {
      EXPECT_TRUE(key_id.starts_with(std::string(algorithm) + ":"));
      return std::string(key_id.substr(algorithm.size() + 1));
    }
    return {};
  }
  // {"one_time_keys": {"signed_curve25519:NAME": ...}}
  static std::string one_time(const std::vector<std::string>& names,
                              std::string_view field = "one_time_keys",
                              std::string_view value = "v") {
    std::string body;
    for (const std::string& name : names) {
      body += (body.empty() ? "" : ",") + json::quoted(std::string(curve) + ":" + name) +
              R"(:{"key":)" + json::quoted(std::string(value) + name) + "}";
    }
    return "{" + json::quoted(field) + ":{" + body + "}}";
  }
  static std::int64_t count_in(const Result<std::string>& answer,
                               std::string_view algorithm = curve) {
    return parsed(answer).root().get("one_time_key_counts").get(algorithm).int_or(0);
  }
};

}  // namespace gims::test

#include "service/encryption/cross_signing.hpp"

#include "store/statements/audit.hpp"
#include "support/key_fixture.hpp"

namespace gims::service {
namespace {

using test::ClientKey;
using test::code_of;
using test::IdentityUnderTest;
using test::KeysFixture;

constexpr const char* officer = "desk.officer";
constexpr const char* secretary = "joint.secretary";

class CrossSigningTest : public KeysFixture {
 protected:
  explicit CrossSigningTest(service::Policy policy_of = test::open_policy())
      : KeysFixture(std::move(policy_of)), identity(id(officer), 10) {}

  Result<bool> needs_password(const std::string& body) {
    const json::Document document = *json::Document::parse(body);
    auto keys = CrossSigning::decode_upload(document.root(), id(officer));
    if (!keys) return pass(std::move(keys));
    return cross_signing.needs_password(id(officer), *keys);
  }
  // The key of this kind as `viewer` sees it; an invalid root where there is none.
  json::Document key_shown(std::string_view viewer, std::string_view kind,
                           std::string_view of = officer) {
    const json::Document body = query(viewer, of);
    const json::Value key = body.root().get(kind).get(id(of));
    return key ? *json::Document::parse(key.to_text()) : json::Document();
  }
  static bool has_signature(const json::Document& key, std::string_view signer,
                            std::string_view name) {
    return key.root().get("signatures").get(id(signer)).get(name).valid();
  }
  IdentityUnderTest identity;
};

class WithoutReplacement : public CrossSigningTest {
 protected:
  WithoutReplacement() : CrossSigningTest(test::quick_closed_policy()) {}
};

TEST_F(CrossSigningTest, TheFirstIdentityNeedsNoPasswordAndIsShown) {
  EXPECT_FALSE(*needs_password(identity.body()));
  listener.clear();
  ASSERT_TRUE(upload_identity(identity.body()));
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
  for (const char* viewer : {officer, secretary}) {
    const json::Document master = key_shown(viewer, "master_keys");
    EXPECT_EQ(master.root().get("keys").get(identity.master.id()).string_or(""),
              identity.master.base64());
    EXPECT_EQ(master.root().get("usage").at(0).string_or(""), "master");
    const json::Document self_signing = key_shown(viewer, "self_signing_keys");
    EXPECT_TRUE(
        matrix::verify_signed_json(self_signing.root(), id(officer), identity.master.id(),
                                   *crypto::public_key_from_base64(identity.master.base64())));
  }
  EXPECT_TRUE(key_shown(officer, "user_signing_keys").root());
  EXPECT_FALSE(key_shown(secretary, "user_signing_keys").root()) << "whom one knows is private";
}

TEST_F(CrossSigningTest, TheSameAgainNeedsNoPasswordAndChangesNothing) {
  ASSERT_TRUE(upload_identity(identity.body()));
  listener.clear();
  EXPECT_FALSE(*needs_password(identity.body()));
  EXPECT_TRUE(upload_identity(identity.body()));
  EXPECT_TRUE(listener.all<store::DeviceListChanged>().empty());
}

TEST_F(CrossSigningTest, OtherKeysNeedThePassword) {
  ASSERT_TRUE(upload_identity(identity.body()));
  const IdentityUnderTest other(id(officer), 30);
  EXPECT_TRUE(*needs_password(other.body()));
  EXPECT_EQ(code_of(upload_identity(other.body())), "M_FORBIDDEN");
  EXPECT_TRUE(key_shown(officer, "master_keys").root().get("keys").get(identity.master.id()));
  EXPECT_TRUE(upload_identity(other.body(), true));
  EXPECT_TRUE(key_shown(officer, "master_keys").root().get("keys").get(other.master.id()));
  // One other key among the same ones is a change too.
  const std::string changed = R"({"master_key":)" + other.master_json() +
                              R"(,"user_signing_key":)" +
                              other.master.sign(other.object(ClientKey(99), "user_signing"),
                                                id(officer), other.master.id()) +
                              "}";
  EXPECT_TRUE(*needs_password(changed));
}

TEST_F(WithoutReplacement, AnotherIdentityIsRefusedWhateverThePassword) {
  EXPECT_FALSE(*needs_password(identity.body()));
  ASSERT_TRUE(upload_identity(identity.body()));
  EXPECT_FALSE(*needs_password(identity.body()));
  EXPECT_EQ(code_of(needs_password(IdentityUnderTest(id(officer), 30).body())), "M_FORBIDDEN");
}

TEST_F(WithoutReplacement, AfterTwoAllowedItAnotherIdentityIsTakenOnceAndWithThePassword) {
  ASSERT_TRUE(upload_identity(identity.body()));
  const auto allow = [&] {
    return store.write([&](store::Transaction& transaction) {
      return CrossSigning::allow_replacement(transaction, id(officer),
                                             transaction.now_ms() + 3'600'000);
    });
  };
  ASSERT_TRUE(allow());
  const IdentityUnderTest other(id(officer), 30);
  const auto needed = needs_password(other.body());
  ASSERT_TRUE(needed) << needed.error().text;
  EXPECT_TRUE(*needed);
  EXPECT_EQ(code_of(upload_identity(other.body())), "M_FORBIDDEN") << "without the password";
  EXPECT_TRUE(upload_identity(other.body(), true));
  EXPECT_TRUE(key_shown(officer, "master_keys").root().get("keys").get(other.master.id()));
  // Once.
  EXPECT_EQ(code_of(needs_password(identity.body())), "M_FORBIDDEN");
  EXPECT_EQ(code_of(upload_identity(identity.body(), true)), "M_FORBIDDEN");
  // And within its time.
  ASSERT_TRUE(allow());
  store.clock().advance(3'600'000);
  EXPECT_EQ(code_of(needs_password(identity.body())), "M_FORBIDDEN");
  EXPECT_EQ(code_of(upload_identity(identity.body(), true)), "M_FORBIDDEN");
  EXPECT_TRUE(key_shown(officer, "master_keys").root().get("keys").get(other.master.id()));
}

TEST_F(WithoutReplacement, TheReplacementIsInTheAuditLog) {
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_TRUE(store.write([&](store::Transaction& transaction) {
    return CrossSigning::allow_replacement(transaction, id(officer), transaction.now_ms() + 1'000);
  }));
  const IdentityUnderTest other(id(officer), 30);
  ASSERT_TRUE(upload_identity(other.body(), true));
  auto reader = store->read();
  ASSERT_TRUE(reader);
  std::vector<std::string> entries;
  ASSERT_TRUE(sql::for_each(
      reader->sql(), store::statements::AuditEntries{.after = 0, .most = 10}, [&](const auto& row) {
        entries.push_back(std::string(row.act) + " " + std::string(row.detail));
      }));
  EXPECT_EQ(entries, std::vector<std::string>{R"(user.identity_replaced {"master_key":")" +
                                              other.master.base64() + R"("})"});
}

// The master key first, what it signs later: no identity is replaced by that.
TEST_F(WithoutReplacement, KeysThatAreMissingMayFollowWithThePassword) {
  ASSERT_TRUE(upload_identity(R"({"master_key":)" + identity.master_json() + "}"));
  const std::string self_signing = R"({"self_signing_key":)" + identity.self_signing_json() + "}";
  const std::string with_master = R"({"master_key":)" + identity.master_json() +
                                  R"(,"user_signing_key":)" + identity.user_signing_json() + "}";
  for (const std::string& later : {self_signing, with_master}) {
    // Spec: the password is asked for unless "the request contains no new keys".
    const auto needed = needs_password(later);
    ASSERT_TRUE(needed) << needed.error().text;
    EXPECT_TRUE(*needed);
    EXPECT_EQ(code_of(upload_identity(later)), "M_FORBIDDEN") << "without the password";
    listener.clear();
    EXPECT_TRUE(upload_identity(later, true));
    EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
    EXPECT_FALSE(*needs_password(later)) << "the answer may have got lost";
    EXPECT_TRUE(upload_identity(later));
  }
  EXPECT_TRUE(key_shown(officer, "master_keys").root().get("keys").get(identity.master.id()));
  EXPECT_TRUE(
      key_shown(officer, "self_signing_keys").root().get("keys").get(identity.self_signing.id()));
  EXPECT_TRUE(
      key_shown(officer, "user_signing_keys").root().get("keys").get(identity.user_signing.id()));
}

TEST_F(WithoutReplacement, KeysThatFollowAreSignedByTheSameMasterKey) {
  ASSERT_TRUE(upload_identity(R"({"master_key":)" + identity.master_json() + "}"));
  const IdentityUnderTest other(id(officer), 30);
  EXPECT_EQ(
      code_of(upload_identity(R"({"self_signing_key":)" + other.self_signing_json() + "}", true)),
      "M_INVALID_SIGNATURE");
  // With a master key of their own they are another identity.
  EXPECT_EQ(code_of(needs_password(other.body())), "M_FORBIDDEN");
  EXPECT_EQ(code_of(upload_identity(other.body(), true)), "M_FORBIDDEN");
  EXPECT_FALSE(key_shown(officer, "self_signing_keys").root());
}

TEST_F(WithoutReplacement, AKeyThatIsThereIsNotReplacedByOneOfTheSameMasterKey) {
  ASSERT_TRUE(upload_identity(R"({"master_key":)" + identity.master_json() +
                              R"(,"self_signing_key":)" + identity.self_signing_json() + "}"));
  const std::string changed = R"({"user_signing_key":)" + identity.user_signing_json() +
                              R"(,"self_signing_key":)" +
                              identity.master.sign(identity.object(ClientKey(99), "self_signing"),
                                                   id(officer), identity.master.id()) +
                              "}";
  EXPECT_EQ(code_of(needs_password(changed)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(upload_identity(changed, true)), "M_FORBIDDEN");
  EXPECT_TRUE(
      key_shown(officer, "self_signing_keys").root().get("keys").get(identity.self_signing.id()));
  EXPECT_FALSE(key_shown(officer, "user_signing_keys").root()) << "all or nothing";
}

TEST_F(CrossSigningTest, ANewMasterKeyAloneEndsTheKeysOfTheFormerOne) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_EQ(self_sign(identity, "PHONE"), "");
  const IdentityUnderTest other(id(officer), 30);
  ASSERT_TRUE(upload_identity(R"({"master_key":)" + other.master_json() + "}", true));
  EXPECT_FALSE(key_shown(officer, "self_signing_keys").root());
  EXPECT_FALSE(key_shown(officer, "user_signing_keys").root());
}

TEST_F(CrossSigningTest, KeysThatTheMasterKeyDidNotSignAreRefused) {
  const ClientKey stranger(200);
  const auto refused = [&](const std::string& field, const std::string& object) {
    return code_of(upload_identity(R"({"master_key":)" + identity.master_json() + ",\"" + field +
                                   "\":" + object + "}"));
  };
  EXPECT_EQ(refused("self_signing_key", identity.object(identity.self_signing, "self_signing")),
            "M_INVALID_SIGNATURE");
  // The right name over a wrong signature.
  EXPECT_EQ(refused("self_signing_key",
                    stranger.sign(identity.object(identity.self_signing, "self_signing"),
                                  id(officer), identity.master.id())),
            "M_INVALID_SIGNATURE");
  EXPECT_EQ(refused("user_signing_key", identity.object(identity.user_signing, "user_signing")),
            "M_INVALID_SIGNATURE");
  EXPECT_FALSE(key_shown(officer, "master_keys").root()) << "all or nothing";
}

TEST_F(CrossSigningTest, AnIdentityBeginsWithAMasterKey) {
  EXPECT_EQ(
      code_of(upload_identity(R"({"self_signing_key":)" + identity.self_signing_json() + "}")),
      "M_MISSING_PARAM");
}

TEST_F(CrossSigningTest, MalformedKeysAreRefused) {
  const auto refused = [&](const std::string& object) {
    return code_of(upload_identity(R"({"master_key":)" + object + "}"));
  };
  const std::string user = R"("user_id":")" + id(officer) + R"(","usage":["master"])";
  EXPECT_EQ(refused("7"), "M_BAD_JSON");
  EXPECT_EQ(refused(identity.object(identity.master, "self_signing")), "M_INVALID_PARAM");
  EXPECT_EQ(refused(IdentityUnderTest(id(secretary), 10).master_json()), "M_INVALID_PARAM");
  EXPECT_EQ(refused("{" + user + R"(,"keys":{"ed25519:abc":"abc"}})"), "M_INVALID_PARAM");
  EXPECT_EQ(
      refused("{" + user + R"(,"keys":{"ed25519:other":")" + identity.master.base64() + R"("}})"),
      "M_INVALID_PARAM");
  EXPECT_EQ(refused("{" + user + R"(,"keys":{}})"), "M_INVALID_PARAM");
  EXPECT_FALSE(key_shown(officer, "master_keys").root());
}

// Spec, POST /keys/device_signing/upload, 403: "The public key of one of the keys is the same as
// one of the user's device IDs".
TEST_F(CrossSigningTest, AKeyMayNotHaveTheNameOfADevice) {
  add_device(officer, identity.master.base64());
  EXPECT_EQ(code_of(upload_identity(identity.body())), "M_FORBIDDEN");
}

TEST_F(CrossSigningTest, OnesDeviceSignsTheMasterKey) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload_identity(identity.body()));
  const std::string wrong =
      ClientKey(101).sign(identity.master_json(), id(officer), "ed25519:PHONE");
  EXPECT_EQ(add_signature(officer, officer, identity.master.base64(), wrong),
            "M_INVALID_SIGNATURE");
  EXPECT_EQ(add_signature(officer, officer, identity.master.base64(), identity.master_json()),
            "M_INVALID_SIGNATURE");
  EXPECT_FALSE(has_signature(key_shown(officer, "master_keys"), officer, "ed25519:PHONE"));
  const std::string right =
      ClientKey(100).sign(identity.master_json(), id(officer), "ed25519:PHONE");
  EXPECT_EQ(add_signature(officer, officer, identity.master.base64(), right), "");
  EXPECT_TRUE(has_signature(key_shown(officer, "master_keys"), officer, "ed25519:PHONE"));
  EXPECT_TRUE(has_signature(key_shown(secretary, "master_keys"), officer, "ed25519:PHONE"));
}

TEST_F(CrossSigningTest, ASignatureOnAnotherUserIsSeenByItsSignerAlone) {
  const IdentityUnderTest theirs(id(secretary), 50);
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_TRUE(upload_identity(theirs.body(), false, secretary));
  const std::string name = identity.user_signing.id();
  EXPECT_EQ(add_signature(officer, secretary, theirs.master.base64(),
                          identity.user_signing.sign(theirs.master_json(), id(officer), name)),
            "");
  // The signer's devices are sent to look at the keys that now bear it.
  EXPECT_EQ(listener.all<store::DeviceListChanged>().back().user_id, id(secretary));
  EXPECT_TRUE(has_signature(key_shown(officer, "master_keys", secretary), officer, name));
  EXPECT_FALSE(has_signature(key_shown(secretary, "master_keys", secretary), officer, name));
  EXPECT_FALSE(has_signature(key_shown("stranger", "master_keys", secretary), officer, name));
}

TEST_F(CrossSigningTest, BadSignaturesOnAnotherUserAreRefused) {
  const IdentityUnderTest theirs(id(secretary), 50);
  ASSERT_TRUE(upload_identity(theirs.body(), false, secretary));
  const auto sign = [&](const ClientKey& key, std::string_view target) {
    return add_signature(officer, secretary, target,
                         key.sign(theirs.master_json(), id(officer), identity.user_signing.id()));
  };
  EXPECT_EQ(sign(identity.user_signing, theirs.master.base64()), "M_INVALID_SIGNATURE")
      << "no identity of one's own";
  ASSERT_TRUE(upload_identity(identity.body()));
  EXPECT_EQ(sign(identity.self_signing, theirs.master.base64()), "M_INVALID_SIGNATURE");
  EXPECT_EQ(sign(identity.user_signing, theirs.self_signing.base64()), "M_NOT_FOUND");
  EXPECT_EQ(add_signature(officer, secretary, theirs.master.base64(),
                          identity.user_signing.sign(identity.master_json(), id(officer),
                                                     identity.user_signing.id())),
            "M_INVALID_PARAM")
      << "not the key that is stored";
}

TEST_F(CrossSigningTest, AnEmptyNameIsNobodysKey) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  const std::string object =
      ClientKey(100).sign(identity.master_json(), id(officer), "ed25519:PHONE");
  EXPECT_EQ(add_signature(officer, officer, "", object), "M_NOT_FOUND");
  EXPECT_EQ(add_signature(officer, secretary, "", object), "M_NOT_FOUND");
}

TEST_F(CrossSigningTest, OneBadSignatureDoesNotSpoilTheOthers) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload_identity(identity.body()));
  const auto answer = wait<std::string>([&](auto done) {
    cross_signing.add_signatures(
        id(officer),
        {{.user_id = id(officer), .key_id = "NONE", .content = keys_of(officer, "NONE")},
         {.user_id = id(officer),
          .key_id = "PHONE",
          .content = identity.self_signing.sign(keys_of(officer, "PHONE"), id(officer),
                                                identity.self_signing.id())}},
        std::move(done));
  });
  const json::Document body = test::parsed(answer);
  const json::Value failures = body.root().get("failures").get(id(officer));
  EXPECT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures.get("NONE").get("errcode").string_or(""), "M_NOT_FOUND");
  const json::Document seen = query(secretary, officer);
  EXPECT_TRUE(seen.root()
                  .get("device_keys")
                  .get(id(officer))
                  .get("PHONE")
                  .get("signatures")
                  .get(id(officer))
                  .get(identity.self_signing.id()));
}

}  // namespace
}  // namespace gims::service

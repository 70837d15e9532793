#include "service/encryption/device_keys.hpp"

#include <algorithm>
#include <latch>
#include <set>
#include <thread>

#include "store/statements/sync.hpp"
#include "support/key_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::IdentityUnderTest;
using test::KeysFixture;

constexpr const char* officer = "desk.officer";
constexpr const char* secretary = "joint.secretary";

// Nothing is withheld here: the keys themselves are under test.
class DeviceKeysTest : public KeysFixture {
 protected:
  DeviceKeysTest() : KeysFixture(test::open_policy()) {}
};

TEST_F(DeviceKeysTest, KeysOfAnotherUserOrDeviceAreRefused) {
  const auto refused = [&](const std::string& keys) {
    return code_of(upload(officer, "PHONE", R"({"device_keys":)" + keys + "}"));
  };
  EXPECT_EQ(refused(keys_of(officer, "LAPTOP")), "M_INVALID_PARAM");
  EXPECT_EQ(refused(keys_of(secretary, "PHONE")), "M_INVALID_PARAM");
  EXPECT_EQ(refused(R"({"user_id":")" + id(officer) + R"(","device_id":"PHONE"})"),
            "M_MISSING_PARAM");
  EXPECT_EQ(refused("7"), "M_BAD_JSON");
  EXPECT_FALSE(shown(officer, officer, "PHONE"));
  EXPECT_EQ(refused(keys_of(officer, "PHONE")), "");
  EXPECT_TRUE(shown(officer, officer, "PHONE"));
}

TEST_F(DeviceKeysTest, BadOneTimeKeysAreRefused) {
  const auto refused = [&](const std::string& keys) {
    return code_of(upload(officer, "PHONE", R"({"one_time_keys":)" + keys + "}"));
  };
  EXPECT_EQ(refused(R"({"nocolon":{}})"), "M_INVALID_PARAM");
  EXPECT_EQ(refused(R"({":id":{}})"), "M_INVALID_PARAM");
  EXPECT_EQ(refused(R"({"algorithm:":{}})"), "M_INVALID_PARAM");
  EXPECT_EQ(refused(R"({"a:b":7})"), "M_BAD_JSON");
  EXPECT_EQ(refused(R"({"a:b":")" + std::string(5000, 'k') + R"("})"), "M_TOO_LARGE");
  EXPECT_EQ(refused("[]"), "M_BAD_JSON");
}

TEST_F(DeviceKeysTest, AQueryShowsTheObjectWithTheNameAndWithoutWhatTheClientPutAside) {
  ASSERT_TRUE(wait<void>(
      [&](auto done) { devices.rename(id(officer), "PHONE", "Phone", std::move(done)); }));
  std::string keys = keys_of(officer, "PHONE");
  keys.insert(keys.size() - 1, R"(,"unsigned":{"device_display_name":"forged"})");
  ASSERT_TRUE(upload(officer, "PHONE", R"({"device_keys":)" + keys + "}"));
  const json::Document body = query(secretary, officer);
  const json::Value device = body.root().get("device_keys").get(id(officer)).get("PHONE");
  EXPECT_EQ(device.get("unsigned").get("device_display_name").string_or(""), "Phone");
  const auto key = crypto::public_key_from_base64(test::ClientKey(100).base64());
  EXPECT_TRUE(matrix::verify_signed_json(device, id(officer), "ed25519:PHONE", *key));
  EXPECT_TRUE(body.root().get("failures").is_object());
}

TEST_F(DeviceKeysTest, AQueryMayNameTheDevices) {
  add_device(officer, "LAPTOP");
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload_device(officer, "LAPTOP", 101));
  const json::Document body = query(secretary, officer, {"LAPTOP", "NONE"});
  const json::Value all = body.root().get("device_keys").get(id(officer));
  EXPECT_EQ(all.size(), 1U);
  EXPECT_TRUE(all.get("LAPTOP"));
}

TEST_F(DeviceKeysTest, OneTimeKeysAreCountedAndGivenOnceOldestFirst) {
  EXPECT_EQ(count_in(upload(officer, "PHONE", one_time({"Z"}))), 1);
  EXPECT_EQ(count_in(upload(officer, "PHONE", one_time({"M"}))), 2);
  EXPECT_EQ(count_in(upload(officer, "PHONE", one_time({"A"}))), 3);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "Z");
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "M");
  EXPECT_EQ(count_in(upload(officer, "PHONE", "{}")), 1);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "A");
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "");
  EXPECT_EQ(claim(secretary, officer, "PHONE", "other_algorithm"), "");
  EXPECT_EQ(claim(secretary, officer, "NONE"), "");
}

TEST_F(DeviceKeysTest, TheSameKeyAgainIsPassedOverAndADifferentOneRefused) {
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"A", "B"})));
  EXPECT_EQ(count_in(upload(officer, "PHONE", one_time({"A", "B"}))), 2);
  const auto other = upload(officer, "PHONE", one_time({"C", "A"}, "one_time_keys", "other"));
  EXPECT_EQ(code_of(other), "M_INVALID_PARAM");
  EXPECT_EQ(count_in(upload(officer, "PHONE", "{}")), 2) << "nothing of it was stored";
}

TEST_F(DeviceKeysTest, ARepeatedUploadBringsNoGivenKeyBack) {
  const std::string body = one_time({"A", "B"});
  ASSERT_TRUE(upload(officer, "PHONE", body));
  std::set<std::string> given{claim(secretary, officer, "PHONE")};
  EXPECT_EQ(count_in(upload(officer, "PHONE", body)), 1);
  given.insert(claim(secretary, officer, "PHONE"));
  EXPECT_EQ(count_in(upload(officer, "PHONE", body)), 0);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "");
  EXPECT_EQ(given, (std::set<std::string>{"A", "B"}));
}

TEST_F(DeviceKeysTest, ManyWhoClaimAtOnceEachGetAnotherKey) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back("K" + std::to_string(i));
  const std::string body = one_time(names);
  ASSERT_TRUE(upload(officer, "PHONE", body));
  constexpr int claims = 50;
  std::vector<std::string> given(claims);
  std::latch start(claims + 1);
  {
    std::vector<std::jthread> threads;
    for (auto& name : given) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        name = claim(secretary, officer, "PHONE");
      });
    }
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(upload(officer, "PHONE", body));
    });
  }
  const std::set<std::string> different(given.begin(), given.end());
  EXPECT_EQ(std::ranges::count(given, ""), 10) << "who comes too late gets none";
  EXPECT_EQ(different.size(), 41U) << "40 keys and the empty answer";
  EXPECT_EQ(count_in(upload(officer, "PHONE", body)), 0);
}

TEST_F(DeviceKeysTest, AFallbackKeyIsGivenWhenNothingElseIsLeftAndMarkedUsed) {
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"F"}, "fallback_keys")));
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"A"})));
  const auto unused = [&] {
    auto reader = store->read();
    return sql::all(reader->sql(), store::statements::SyncUnusedFallbackKeys{id(officer), "PHONE"})
        ->size();
  };
  EXPECT_EQ(count_in(upload(officer, "PHONE", "{}")), 1) << "it is not among the counted";
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "A");
  EXPECT_EQ(unused(), 1U);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "F");
  EXPECT_EQ(unused(), 0U);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "F");
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"F"}, "fallback_keys")));
  EXPECT_EQ(unused(), 0U) << "the same one stays used";
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"G"}, "fallback_keys")));
  EXPECT_EQ(unused(), 1U);
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "G");
}

TEST_F(DeviceKeysTest, CountsAreTold) {
  listener.clear();
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"A"})));
  EXPECT_EQ(listener.all<store::KeyCountsChanged>().size(), 1U);
  listener.clear();
  ASSERT_EQ(claim(secretary, officer, "PHONE"), "A");
  const auto changes = listener.all<store::KeyCountsChanged>();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].user_id, id(officer));
  EXPECT_EQ(changes[0].device_id, "PHONE");
  EXPECT_TRUE(listener.all<store::DeviceListChanged>().empty());
}

TEST_F(DeviceKeysTest, ADeviceKeepsABoundedNumberOfKeysWhateverTheirAlgorithm) {
  std::string body;
  for (int i = 0; i < 1000; ++i) {
    body += (i == 0 ? "" : ",") +
            json::quoted("alg" + std::to_string(i % 3) + ":" + std::to_string(i)) + R"(:"key")";
  }
  ASSERT_TRUE(upload(officer, "PHONE", R"({"one_time_keys":{)" + body + "}}"));
  EXPECT_EQ(code_of(upload(officer, "PHONE", R"({"one_time_keys":{"new:1":"key"}})")),
            "M_TOO_LARGE");
  body.clear();
  for (int i = 0; i < 17; ++i) {
    body += (i == 0 ? "" : ",") + json::quoted("alg" + std::to_string(i) + ":f") + R"(:"key")";
  }
  EXPECT_EQ(code_of(upload(officer, "PHONE", R"({"fallback_keys":{)" + body + "}}")),
            "M_TOO_LARGE");
}

TEST_F(DeviceKeysTest, AChangeOfDeviceKeysIsToldAndTheSameAgainIsNot) {
  listener.clear();
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
  ASSERT_TRUE(upload_device(officer, "PHONE", 101));
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 2U);
}

TEST_F(DeviceKeysTest, OneTimeKeysEndWithTheKeyThatSignedThem) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"A", "B"})));
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"F"}, "fallback_keys")));
  ASSERT_TRUE(upload_device(officer, "PHONE", 101));
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "");
}

TEST_F(DeviceKeysTest, ARemovedDeviceLeavesNoKeys) {
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"A", "B"})));
  ASSERT_TRUE(upload(officer, "PHONE", one_time({"F"}, "fallback_keys")));
  ASSERT_EQ(claim(secretary, officer, "PHONE"), "A");
  listener.clear();
  ASSERT_TRUE(remove_device(officer, "PHONE"));
  const auto changes = listener.all<store::DeviceListChanged>();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].user_id, id(officer));
  EXPECT_FALSE(shown(secretary, officer, "PHONE"));
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "");
  // A device of the same id begins anew, with the same names of keys.
  add_device(officer, "PHONE");
  EXPECT_EQ(count_in(upload(officer, "PHONE", one_time({"A", "B"}))), 2);
}

// As the product runs: what its owner has not signed is not shown to others.
class WithheldDevices : public KeysFixture {
 protected:
  WithheldDevices() : identity(id(officer), 10) {
    EXPECT_TRUE(upload_device(officer, "PHONE"));
    EXPECT_TRUE(upload(officer, "PHONE", one_time({"A", "B"})));
  }
  void expect_withheld() {
    EXPECT_TRUE(shown(officer, officer, "PHONE")) << "the owner sees it";
    EXPECT_FALSE(shown(secretary, officer, "PHONE"));
    EXPECT_EQ(claim(secretary, officer, "PHONE"), "");
  }
  IdentityUnderTest identity;
};

TEST_F(WithheldDevices, AnUnsignedDeviceIsThereForItsOwnerAlone) {
  expect_withheld();
  ASSERT_TRUE(upload_identity(identity.body()));
  expect_withheld();
  EXPECT_EQ(claim(officer, officer, "PHONE"), "A");
}

TEST_F(WithheldDevices, ItIsShownOnceItsOwnerHasSignedIt) {
  ASSERT_TRUE(upload_identity(identity.body()));
  listener.clear();
  ASSERT_EQ(self_sign(identity, "PHONE"), "");
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
  EXPECT_TRUE(shown(secretary, officer, "PHONE"));
  EXPECT_EQ(claim(secretary, officer, "PHONE"), "A");
  const json::Document body = query(secretary, officer);
  const json::Value device = body.root().get("device_keys").get(id(officer)).get("PHONE");
  const auto key = crypto::public_key_from_base64(identity.self_signing.base64());
  EXPECT_TRUE(matrix::verify_signed_json(device, id(officer), identity.self_signing.id(), *key));
  const auto own = crypto::public_key_from_base64(test::ClientKey(100).base64());
  EXPECT_TRUE(matrix::verify_signed_json(device, id(officer), "ed25519:PHONE", *own));
}

TEST_F(WithheldDevices, ASignatureThatDoesNotVerifyShowsNothing) {
  ASSERT_TRUE(upload_identity(identity.body()));
  // Right name, another key.
  EXPECT_EQ(add_signature(officer, officer, "PHONE",
                          identity.master.sign(keys_of(officer, "PHONE"), id(officer),
                                               identity.self_signing.id())),
            "M_INVALID_SIGNATURE");
  // Signed, but by the master key.
  EXPECT_EQ(add_signature(
                officer, officer, "PHONE",
                identity.master.sign(keys_of(officer, "PHONE"), id(officer), identity.master.id())),
            "M_INVALID_SIGNATURE");
  expect_withheld();
}

TEST_F(WithheldDevices, ASignatureOnOtherKeysThanTheStoredOnesShowsNothing) {
  ASSERT_TRUE(upload_identity(identity.body()));
  EXPECT_EQ(self_sign(identity, "PHONE", 101), "M_INVALID_PARAM");
  EXPECT_EQ(self_sign(identity, "NONE"), "M_NOT_FOUND");
  expect_withheld();
}

TEST_F(WithheldDevices, NobodyElseSignsOnesDevices) {
  ASSERT_TRUE(upload_identity(identity.body()));
  const IdentityUnderTest theirs(id(secretary), 20);
  ASSERT_TRUE(upload_identity(theirs.body(), false, secretary));
  EXPECT_NE(add_signature(secretary, officer, "PHONE",
                          theirs.self_signing.sign(keys_of(officer, "PHONE"), id(secretary),
                                                   theirs.self_signing.id())),
            "");
  expect_withheld();
}

TEST_F(WithheldDevices, ChangedKeysAreToBeSignedAgain) {
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_EQ(self_sign(identity, "PHONE"), "");
  ASSERT_TRUE(upload_device(officer, "PHONE", 101));
  expect_withheld();
  ASSERT_EQ(self_sign(identity, "PHONE", 101), "");
  EXPECT_TRUE(shown(secretary, officer, "PHONE"));
}

TEST_F(WithheldDevices, TheSameKeysWithMoreSignaturesStaySigned) {
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_EQ(self_sign(identity, "PHONE"), "");
  const std::string more =
      test::ClientKey(77).sign(keys_of(officer, "PHONE"), id(officer), "ed25519:OTHER");
  ASSERT_TRUE(upload(officer, "PHONE", R"({"device_keys":)" + more + "}"));
  EXPECT_TRUE(shown(secretary, officer, "PHONE"));
}

TEST_F(WithheldDevices, KeysMayComeSignedAlready) {
  ASSERT_TRUE(upload_identity(identity.body()));
  add_device(officer, "LAPTOP");
  const std::string keys = keys_of(officer, "LAPTOP", 102);
  const std::string forged = identity.master.sign(keys, id(officer), identity.self_signing.id());
  ASSERT_TRUE(upload(officer, "LAPTOP", R"({"device_keys":)" + forged + "}"));
  EXPECT_FALSE(shown(secretary, officer, "LAPTOP"));
  const std::string real =
      identity.self_signing.sign(keys, id(officer), identity.self_signing.id());
  ASSERT_TRUE(upload(officer, "LAPTOP", R"({"device_keys":)" + real + "}"));
  EXPECT_TRUE(shown(secretary, officer, "LAPTOP"));
}

TEST_F(WithheldDevices, ADeviceThatComesAgainIsToBeSignedAgain) {
  ASSERT_TRUE(upload_identity(identity.body()));
  ASSERT_EQ(self_sign(identity, "PHONE"), "");
  ASSERT_TRUE(remove_device(officer, "PHONE"));
  add_device(officer, "PHONE");
  ASSERT_TRUE(upload_device(officer, "PHONE"));
  EXPECT_FALSE(shown(secretary, officer, "PHONE"));
}

}  // namespace
}  // namespace gims::service

#include "service/encryption/key_backup.hpp"

#include "support/key_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::KeysFixture;

constexpr const char* algorithm = "m.megolm_backup.v1.curve25519-aes-sha2";
constexpr const char* room = "!a:gims.internal";
constexpr const char* other_room = "!b:gims.internal";

struct Session {
  std::int64_t first = 5;
  std::int64_t forwarded = 3;
  bool verified = false;
  std::string name = "data";
};

class KeyBackupTest : public KeysFixture {
 protected:
  const std::string user = id("desk.officer");

  Result<std::string> create(std::string_view auth_data = R"({"public_key":"a"})") {
    return wait<std::string>([&](auto done) {
      backups.create(user, algorithm, std::string(auth_data), std::move(done));
    });
  }
  std::int64_t make() {
    const json::Document body = test::parsed(create());
    return std::stoll(std::string(body.root().get("version").string_or("0")));
  }
  Result<std::string> put(std::int64_t version, std::string_view json, BackupSelection into = {}) {
    const json::Document document = *json::Document::parse(json);
    auto decoded = KeyBackups::decode(document.root(), into);
    if (!decoded) return pass(std::move(decoded));
    return wait<std::string>(
        [&](auto done) { backups.put(user, version, std::move(*decoded), std::move(done)); });
  }
  static std::string text(const Session& session) {
    return R"({"first_message_index":)" + std::to_string(session.first) + R"(,"forwarded_count":)" +
           std::to_string(session.forwarded) + R"(,"is_verified":)" +
           (session.verified ? "true" : "false") + R"(,"session_data":{"ciphertext":")" +
           session.name + R"("}})";
  }
  Result<std::string> put_one(std::int64_t version, const Session& session,
                              std::string_view room_id = room, std::string_view session_id = "S") {
    return put(version, text(session),
               {.room_id = std::string(room_id), .session_id = std::string(session_id)});
  }
  Result<std::string> erase(std::int64_t version, BackupSelection selection) {
    return wait<std::string>(
        [&](auto done) { backups.erase(user, version, std::move(selection), std::move(done)); });
  }
  Result<> remove(std::int64_t version) {
    return wait<void>([&](auto done) { backups.remove(user, version, std::move(done)); });
  }
  std::string kept(std::int64_t version) {
    const json::Document body =
        test::parsed(backups.get(user, version, {.room_id = room, .session_id = "S"}));
    return std::string(body.root().get("session_data").get("ciphertext").string_or(""));
  }
  static std::string etag(const Result<std::string>& answer) {
    return std::string(test::parsed(answer).root().get("etag").string_or(""));
  }
  static std::int64_t count(const Result<std::string>& answer) {
    return test::parsed(answer).root().get("count").int_or(-1);
  }
};

TEST_F(KeyBackupTest, TheNewestVersionIsTheCurrentOne) {
  EXPECT_EQ(code_of(backups.describe(user, std::nullopt)), "M_NOT_FOUND");
  const auto first = make();
  const auto second = make();
  EXPECT_NE(first, second);
  const json::Document body = test::parsed(backups.describe(user, std::nullopt));
  EXPECT_EQ(body.root().get("version").string_or(""), std::to_string(second));
  EXPECT_EQ(body.root().get("algorithm").string_or(""), algorithm);
  EXPECT_EQ(body.root().get("auth_data").get("public_key").string_or(""), "a");
  EXPECT_EQ(body.root().get("count").int_or(-1), 0);
  EXPECT_TRUE(body.root().get("etag").is_string());
  EXPECT_TRUE(backups.describe(user, first));
  EXPECT_EQ(code_of(backups.describe(user, 99)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(backups.describe(id("stranger"), second)), "M_NOT_FOUND");
}

TEST_F(KeyBackupTest, AuthDataMayChangeAndTheAlgorithmNot) {
  const auto version = make();
  const auto update = [&](std::int64_t which, std::string_view with) {
    return wait<void>([&](auto done) {
      backups.update(user, which, std::string(with), R"({"public_key":"b"})", std::move(done));
    });
  };
  EXPECT_EQ(code_of(update(version, "other")), "M_INVALID_PARAM");
  EXPECT_EQ(code_of(update(99, algorithm)), "M_NOT_FOUND");
  ASSERT_TRUE(update(version, algorithm));
  EXPECT_EQ(test::parsed(backups.describe(user, version))
                .root()
                .get("auth_data")
                .get("public_key")
                .string_or(""),
            "b");
}

TEST_F(KeyBackupTest, ADeletedVersionIsGoneAndItsNumberNotGivenAgain) {
  const auto first = make();
  const auto second = make();
  ASSERT_TRUE(put_one(second, {}));
  ASSERT_TRUE(remove(second));
  EXPECT_EQ(code_of(backups.describe(user, second)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(backups.get(user, second, {})), "M_NOT_FOUND");
  EXPECT_EQ(test::parsed(backups.describe(user, std::nullopt)).root().get("version").string_or(""),
            std::to_string(first));
  // Spec, DELETE /room_keys/version/{version}: a backup that was deleted before is a success.
  EXPECT_TRUE(remove(second));
  EXPECT_EQ(code_of(remove(99)), "M_NOT_FOUND");
  const auto third = make();
  EXPECT_NE(third, second);
  EXPECT_EQ(count(backups.describe(user, third)), 0);
}

TEST_F(KeyBackupTest, KeysGoIntoTheNewestVersionAlone) {
  EXPECT_EQ(code_of(put_one(1, {})), "M_NOT_FOUND");
  const auto first = make();
  const auto second = make();
  const auto refused = put_one(first, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "M_WRONG_ROOM_KEYS_VERSION");
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(refused.error().extra_json, R"("current_version":")" + std::to_string(second) + "\"");
  EXPECT_TRUE(put_one(second, {}));
}

// Spec, "Backing up keys": verified first, then the lower first_message_index, then the lower
// forwarded_count; else what is there stays.
struct Contest {
  Session stored;
  Session offered;
  bool replaced;
};
class BetterSession : public KeyBackupTest, public ::testing::WithParamInterface<Contest> {};

TEST_P(BetterSession, IsKept) {
  Contest contest = GetParam();
  contest.stored.name = "stored";
  contest.offered.name = "offered";
  const auto version = make();
  const std::string before = etag(put_one(version, contest.stored));
  const auto after = put_one(version, contest.offered);
  EXPECT_EQ(kept(version), contest.replaced ? "offered" : "stored");
  EXPECT_EQ(etag(after) != before, contest.replaced);
  EXPECT_EQ(count(after), 1);
}
INSTANTIATE_TEST_SUITE_P(All, BetterSession,
                         ::testing::Values(Contest{{5, 3, false, ""}, {9, 9, true, ""}, true},
                                           Contest{{9, 9, true, ""}, {5, 3, false, ""}, false},
                                           Contest{{5, 3, false, ""}, {4, 9, false, ""}, true},
                                           Contest{{5, 3, false, ""}, {6, 0, false, ""}, false},
                                           Contest{{5, 3, true, ""}, {5, 2, true, ""}, true},
                                           Contest{{5, 3, true, ""}, {5, 4, true, ""}, false},
                                           Contest{{5, 3, true, ""}, {5, 3, true, ""}, false}));

TEST_F(KeyBackupTest, TheThreeFormsOfABodyPutAndGetTheSame) {
  const auto version = make();
  ASSERT_TRUE(put_one(version, {.name = "one"}));
  EXPECT_EQ(count(put(version, R"({"sessions":{"T":)" + text({.name = "two"}) + "}}",
                      {.room_id = room, .session_id = std::nullopt})),
            2);
  EXPECT_EQ(count(put(version, R"({"rooms":{")" + std::string(other_room) +
                                   R"(":{"sessions":{"U":)" + text({.name = "three"}) + "}}}}")),
            3);
  const json::Document all = test::parsed(backups.get(user, version, {}));
  const json::Value rooms_of = all.root().get("rooms");
  EXPECT_EQ(rooms_of.size(), 2U);
  EXPECT_EQ(rooms_of.get(room).get("sessions").size(), 2U);
  const json::Value session = rooms_of.get(other_room).get("sessions").get("U");
  EXPECT_TRUE(session.equals(json::Document::parse(text({.name = "three"}))->root()));
  const json::Document of_room =
      test::parsed(backups.get(user, version, {.room_id = room, .session_id = std::nullopt}));
  EXPECT_EQ(of_room.root().get("sessions").size(), 2U);
  EXPECT_EQ(kept(version), "one");
  // A room without sessions is empty, a session that is not there is an error.
  const json::Document none = test::parsed(
      backups.get(user, version, {.room_id = "!c:gims.internal", .session_id = std::nullopt}));
  EXPECT_TRUE(none.root().get("sessions").is_object());
  EXPECT_EQ(code_of(backups.get(user, version, {.room_id = room, .session_id = "NONE"})),
            "M_NOT_FOUND");
  EXPECT_EQ(code_of(backups.get(id("stranger"), version, {})), "M_NOT_FOUND");
}

TEST_F(KeyBackupTest, TheThreeFormsOfErasing) {
  const auto version = make();
  for (const char* session : {"S", "T"}) ASSERT_TRUE(put_one(version, {}, room, session));
  for (const char* session : {"S", "T"}) ASSERT_TRUE(put_one(version, {}, other_room, session));
  const std::string before = etag(backups.describe(user, version));
  const auto none = erase(version, {.room_id = room, .session_id = "NONE"});
  EXPECT_EQ(count(none), 4);
  EXPECT_EQ(etag(none), before) << "nothing has changed";
  const auto one = erase(version, {.room_id = room, .session_id = "S"});
  EXPECT_EQ(count(one), 3);
  EXPECT_NE(etag(one), before);
  EXPECT_EQ(count(erase(version, {.room_id = other_room, .session_id = std::nullopt})), 1);
  EXPECT_EQ(code_of(backups.get(user, version, {.room_id = room, .session_id = "S"})),
            "M_NOT_FOUND");
  EXPECT_TRUE(backups.get(user, version, {.room_id = room, .session_id = "T"}));
  EXPECT_EQ(count(erase(version, {})), 0);
  EXPECT_EQ(code_of(erase(99, {})), "M_NOT_FOUND");
}

TEST_F(KeyBackupTest, ErasingTouchesNoOtherVersion) {
  const auto first = make();
  ASSERT_TRUE(put_one(first, {}));
  const auto second = make();
  ASSERT_TRUE(put_one(second, {}));
  EXPECT_EQ(count(erase(second, {})), 0);
  EXPECT_EQ(count(backups.describe(user, first)), 1);
}

// The count is kept with the backup, not counted; it must not drift.
TEST_F(KeyBackupTest, TheCountIsThatOfTheRowsWhateverHappens) {
  const auto version = make();
  const auto expect_rows = [&](std::int64_t rows) {
    EXPECT_EQ(count(backups.describe(user, version)), rows);
    const json::Document all = test::parsed(backups.get(user, version, {}));
    std::int64_t found = 0;
    for (const auto [id, in_room] : all.root().get("rooms").object()) {
      found += static_cast<std::int64_t>(in_room.get("sessions").size());
    }
    EXPECT_EQ(found, rows);
  };
  ASSERT_TRUE(put_one(version, {}));
  ASSERT_TRUE(put_one(version, {.verified = true})) << "in the place of the first";
  ASSERT_TRUE(put_one(version, {})) << "worse: not taken";
  expect_rows(1);
  const std::string two = R"({"sessions":{"S":)" + text({}) + R"(,"T":)" + text({}) + "}}";
  EXPECT_EQ(count(put(version, two, {.room_id = room, .session_id = std::nullopt})), 2);
  ASSERT_TRUE(put_one(version, {}, other_room));
  expect_rows(3);
  ASSERT_TRUE(erase(version, {.room_id = room, .session_id = "NONE"}));
  ASSERT_TRUE(erase(version, {.room_id = room, .session_id = "T"}));
  expect_rows(2);
  ASSERT_TRUE(erase(version, {.room_id = other_room, .session_id = std::nullopt}));
  expect_rows(1);
  ASSERT_TRUE(remove(version));
  EXPECT_EQ(code_of(backups.describe(user, version)), "M_NOT_FOUND");
}

TEST_F(KeyBackupTest, AFullBackupTakesBetterKeysAndNoMore) {
  const auto version = make();
  ASSERT_TRUE(put_one(version, {}));
  script("UPDATE key_backups SET sessions = 499999");
  EXPECT_EQ(count(put_one(version, {}, room, "LAST")), 500'000);
  const std::string before = etag(backups.describe(user, version));
  // A body is taken as a whole or not at all.
  const std::string mixed =
      R"({"sessions":{"S":)" + text({.verified = true}) + R"(,"T":)" + text({}) + "}}";
  EXPECT_EQ(code_of(put(version, mixed, {.room_id = room, .session_id = std::nullopt})),
            "M_TOO_LARGE");
  EXPECT_EQ(etag(backups.describe(user, version)), before);
  EXPECT_EQ(count(put_one(version, {.verified = true})), 500'000);
}

TEST_F(KeyBackupTest, MoreBackupsGiveNoMoreRoom) {
  const auto first = make();
  ASSERT_TRUE(put_one(first, {}));
  const auto second = make();
  script("UPDATE key_backups SET sessions = 499999 WHERE version = " + std::to_string(first));
  EXPECT_EQ(count(put_one(second, {})), 1);
  EXPECT_EQ(code_of(put_one(second, {}, room, "OVER")), "M_TOO_LARGE");
  ASSERT_TRUE(remove(first));
  EXPECT_EQ(count(put_one(second, {}, room, "OVER")), 2);
}

TEST_F(KeyBackupTest, BackupsOfAnAccountHaveAnEnd) {
  for (int i = 0; i < 100; ++i) make();
  EXPECT_EQ(code_of(create()), "M_TOO_LARGE");
  ASSERT_TRUE(remove(1));
  EXPECT_EQ(make(), 101);
  EXPECT_EQ(code_of(create()), "M_TOO_LARGE");
}

TEST_F(KeyBackupTest, DeletedBackupsAreForgottenButNoNumberComesAgain) {
  for (std::int64_t version = 1; version <= 101; ++version) {
    EXPECT_EQ(make(), version);
    ASSERT_TRUE(remove(version));
  }
  EXPECT_TRUE(remove(1)) << "a hundred are remembered";
  EXPECT_EQ(make(), 102);
  EXPECT_EQ(code_of(remove(1)), "M_NOT_FOUND");
  EXPECT_TRUE(remove(2));
  ASSERT_TRUE(remove(102));
  EXPECT_EQ(make(), 103);
}

TEST_F(KeyBackupTest, BadBodiesAreRefused) {
  const auto version = make();
  const BackupSelection one{.room_id = room, .session_id = "S"};
  EXPECT_EQ(code_of(put(version, "{}")), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(put(version, R"({"rooms":{"!a:b":7}})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put(version, R"({"rooms":{"!a:b":{"sessions":{"S":7}}}})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put(version, "{}", one)), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(put(version, R"({"rooms":{"":{"sessions":{"S":)" + text({}) + "}}}}")),
            "M_INVALID_PARAM");
  EXPECT_EQ(code_of(put_one(version, {.name = std::string(17'000, 'x')})), "M_TOO_LARGE");
  EXPECT_EQ(code_of(put_one(version, {}, room, std::string(256, 's'))), "M_INVALID_PARAM");
  EXPECT_EQ(count(backups.describe(user, version)), 0);
}

}  // namespace
}  // namespace gims::service

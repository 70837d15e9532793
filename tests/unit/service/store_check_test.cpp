#include "service/store_check.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "crypto/random.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::service {
namespace {

class StoreCheckTest : public ::testing::Test, public test::RoomsFixture {
 public:
  StoreCheckTest()
      : media(std::move(*Media::open({.folder = store.folder() / "media", .key = key()}, *store,
                                     policy, store.clock()))),
        check(*store, *media) {}
  ~StoreCheckTest() override {
    check.stop();
    media->stop();
  }
  static SecretBytes key() { return std::move(*SecretBytes::random(32)); }

  store::Faults faults(bool full = true) {
    std::promise<Result<store::Faults>> promise;
    check.run(full, [&](Result<store::Faults> found) { promise.set_value(std::move(found)); });
    auto found = promise.get_future().get();
    EXPECT_TRUE(found) << (found ? "" : found.error().text + found.error().detail);
    return found ? *found : store::Faults{};
  }
  void run(const std::string& sql) {
    const auto done =
        store.write([&](store::Transaction& t) -> Result<> { return t.sql().script(sql); });
    ASSERT_TRUE(done) << done.error().detail;
  }
  // The change is found by a full check, is all that is found, and is not there after the undo.
  void expect_found(const std::string& change, const std::string& undo, std::string_view fault) {
    run(change);
    const store::Faults found = faults();
    ASSERT_EQ(found.size(), 1U) << change
                                << (found.empty() ? "" : "\n" + found[0] + "\n" + found.back());
    EXPECT_NE(found[0].find(fault), std::string::npos) << found[0];
    EXPECT_EQ(check.damage(), found[0]);
    run(undo);
    EXPECT_EQ(faults(), store::Faults{}) << undo;
    EXPECT_EQ(check.damage(), std::nullopt);
  }
  std::string upload(std::string_view content) {
    auto upload = media->begin(
        {.owner = id("desk.officer"), .content_type = "text/plain", .file_name = std::nullopt});
    EXPECT_TRUE(upload);
    EXPECT_TRUE((*upload)->write(content));
    std::promise<Result<std::string>> promise;
    media->finish(std::move(*upload),
                  [&](Result<std::string> uri) { promise.set_value(std::move(uri)); });
    const auto uri = promise.get_future().get();
    EXPECT_TRUE(uri);
    return uri->substr(uri->rfind('/') + 1);
  }

  std::unique_ptr<Media> media;
  StoreCheck check;
};

TEST_F(StoreCheckTest, FindsNothingInRoomsOfEveryKind) {
  for (const char* version : {"10", "11", "12"}) {
    const std::string room = room_of("desk.officer", {"under.secretary"}, {.version = version});
    const auto first = say("desk.officer", room, "one");
    ASSERT_TRUE(first);
    ASSERT_TRUE(send("under.secretary", room,
                     R"({"m.relates_to":{"rel_type":"m.thread","event_id":")" + *first +
                         R"("},"body":"two","msgtype":"m.text"})"));
    ASSERT_TRUE(put("desk.officer", room, "m.room.topic", R"({"topic":"none"})"));
    ASSERT_TRUE(redact("desk.officer", room, *first));
  }
  EXPECT_EQ(faults(), store::Faults{});
}

TEST_F(StoreCheckTest, FindsWhatWasChangedInAnEvent) {
  const std::string room = room_of("desk.officer");
  const auto event = say("desk.officer", room, "the content");
  ASSERT_TRUE(event);
  const std::string where = " WHERE event_id = '" + *event + "'";
  const auto replaced = [&](const std::string& from, const std::string& to) {
    return "UPDATE events SET pdu = CAST(replace(CAST(pdu AS TEXT), '" + from + "', '" + to +
           "') AS BLOB)" + where;
  };
  const auto expect_replaced = [&](const std::string& from, const std::string& to,
                                   std::string_view fault) {
    expect_found(replaced(from, to), replaced(to, from), fault);
  };
  expect_replaced("the content", "the kontent", "a content that is not what was hashed");
  expect_replaced("m.room.message", "m.room.massage", "not what its id, a hash of it, says");
  expect_replaced("\"depth\":", "\"depth\"~", "cannot be read");
  expect_found("UPDATE events SET type = 'm.room.massage'" + where,
               "UPDATE events SET type = 'm.room.message'" + where, "not what its row says");
  expect_found("UPDATE events SET depth = depth + 1" + where,
               "UPDATE events SET depth = depth - 1" + where, "not what its row says");
  expect_found("UPDATE events SET origin_ts = origin_ts + 1" + where,
               "UPDATE events SET origin_ts = origin_ts - 1" + where, "not what its row says");
  expect_found("UPDATE events SET relates_to = '$x', rel_type = 'm.thread'" + where,
               "UPDATE events SET relates_to = NULL, rel_type = NULL" + where,
               "not what its row says");
  expect_found("UPDATE events SET room_nid = room_nid + 7" + where,
               "UPDATE events SET room_nid = room_nid - 7" + where, "of a room that is not there");
  expect_found("UPDATE events SET event_id = '$x'" + where,
               "UPDATE events SET event_id = '" + *event + "' WHERE event_id = '$x'",
               "not what its id, a hash of it, says");
  // A check that is not full does not look at events, nor says that they are good.
  run(replaced("the content", "the kontent"));
  EXPECT_EQ(faults(false), store::Faults{});
  EXPECT_EQ(check.damage(), std::nullopt);
  EXPECT_EQ(faults().size(), 1U);
  EXPECT_EQ(faults(false), store::Faults{});
  EXPECT_NE(check.damage(), std::nullopt);
}

TEST_F(StoreCheckTest, FindsRowsThatDoNotBelongTogether) {
  const std::string room = room_of("desk.officer");
  expect_found(
      "UPDATE current_state SET stream_id = stream_id + 1 WHERE type = 'm.room.power_levels'",
      "UPDATE current_state SET stream_id = stream_id - 1 WHERE type = 'm.room.power_levels'",
      "the state m.room.power_levels '' of room");
  expect_found("UPDATE memberships SET membership = 'foin'",
               "UPDATE memberships SET membership = 'join'",
               "the membership of @desk.officer:gims.internal in room");
  expect_found("UPDATE users SET state = 'aktive' WHERE user_id = '@stranger:gims.internal'",
               "UPDATE users SET state = 'active'",
               "the account @stranger:gims.internal is in no state");
  expect_found(
      "INSERT INTO devices (user_id, device_id, created_ts) VALUES ('@nobody:x', 'PHONE', 0)",
      "DELETE FROM devices", "the device PHONE of @nobody:x has no account");
  expect_found(
      "INSERT INTO access_tokens (token_hash, user_id, device_id, created_ts) VALUES (x'00', "
      "'@stranger:gims.internal', 'GONE', 0)",
      "DELETE FROM access_tokens", "an access token of @stranger:gims.internal has no device GONE");
  expect_found(
      "INSERT INTO account_data (user_id, room_id, type, content, stream_id) VALUES "
      "('@stranger:gims.internal', '', 'm.tag', CAST('{\"a\":1' AS BLOB), 1)",
      "DELETE FROM account_data", "the account data m.tag of @stranger:gims.internal is not JSON");
}

TEST_F(StoreCheckTest, FindsMediaThatIsGoneCutOrChanged) {
  const std::string content(200'000, 'm');
  const std::string name = upload(content);
  EXPECT_EQ(faults(), store::Faults{});
  const std::filesystem::path file = store.folder() / "media" / name;
  const auto change = [&](std::streamoff at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const char byte = static_cast<char>(bytes.get());
    bytes.seekp(at);
    bytes.put(static_cast<char>(byte ^ 1));
  };
  change(150'000);
  EXPECT_EQ(faults(false), store::Faults{});  // which looks at sizes alone
  ASSERT_EQ(faults().size(), 1U);
  EXPECT_TRUE(faults()[0].starts_with("the media file " + name + ": "));
  change(150'000);
  EXPECT_EQ(faults(), store::Faults{});
  const auto size = std::filesystem::file_size(file);
  std::filesystem::resize_file(file, size - 1);
  EXPECT_EQ(faults(false).size(), 1U);
  std::filesystem::remove(file);
  EXPECT_EQ(faults(false).size(), 1U);
}

TEST_F(StoreCheckTest, OneAtATimeAndEndedByAStop) {
  check.stop();
  std::promise<Result<store::Faults>> refused;
  check.run(true, [&](Result<store::Faults> found) { refused.set_value(std::move(found)); });
  EXPECT_FALSE(refused.get_future().get());
  EXPECT_FALSE(check.progress().running);
}

TEST_F(StoreCheckTest, EndsInAnyStepWhenItIsToldTo) {
  room_of("desk.officer");
  upload("note");
  for (const std::string_view step : {"events", "references", "audit log", "media"}) {
    std::string_view reached;
    const store::CheckTell tell = [&](const store::CheckProgress& progress) {
      EXPECT_NE(reached, step) << "it went on with " << progress.step;
      reached = progress.step;
      return progress.step != step;
    };
    store::Faults found;
    const auto ended = step == "media" ? media->check(true, tell, found)
                                       : store::check_contents(*store, true, tell, found);
    EXPECT_EQ(reached, step);
    ASSERT_FALSE(ended) << step;
    EXPECT_EQ(ended.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(ended.error().code, "M_UNKNOWN");
    EXPECT_EQ(ended.error().text, "The check was stopped.");
    EXPECT_EQ(found, store::Faults{}) << "a stop is no damage";
  }
}

TEST_F(StoreCheckTest, RunsByItselfAfterTheStart) {
  run("UPDATE users SET state = 'aktive' WHERE user_id = '@stranger:gims.internal'");
  StoreCheck soon(*store, *media,
                  {.first = std::chrono::milliseconds(0), .interval = std::chrono::hours(1)});
  while (!soon.damage()) std::this_thread::yield();
  EXPECT_NE(soon.damage()->find("@stranger:gims.internal"), std::string::npos);
}

TEST_F(StoreCheckTest, AStartNoticesAPositionThatWentBack) {
  room_of("desk.officer");
  run("UPDATE stream_position SET position = 1");
  store::StoreOptions options = store.options();
  check.stop();
  media->stop();
  store->stop();
  const auto opened = store::Store::open(options, store.clock(), {});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("A damaged database"), std::string::npos);
}

}  // namespace
}  // namespace gims::service

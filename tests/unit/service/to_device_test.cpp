#include "service/encryption/to_device.hpp"

#include "store/statements/sync.hpp"
#include "support/key_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::KeysFixture;

constexpr const char* officer = "desk.officer";
constexpr const char* secretary = "joint.secretary";

class ToDeviceTest : public KeysFixture {
 protected:
  Result<> send(std::string_view txn_id, std::vector<ToDeviceMessage> messages,
                std::string_view type = "m.room.encrypted") {
    return wait<void>([&](auto done) {
      to_device.send({.sender = id(officer),
                      .sender_device = "PHONE",
                      .type = std::string(type),
                      .txn_id = std::string(txn_id),
                      .messages = std::move(messages)},
                     std::move(done));
    });
  }
  static ToDeviceMessage message(std::string_view device, std::string_view content = R"({"a":1})",
                                 std::string_view to = secretary) {
    return {.user_id = id(to), .device_id = std::string(device), .content = std::string(content)};
  }
  std::vector<std::string> waiting(std::string_view device, std::string_view of = secretary) {
    auto reader = store->read();
    auto rows = sql::all(reader->sql(), store::statements::SyncToDevice{.user_id = id(of),
                                                                        .device_id = device,
                                                                        .above = 0,
                                                                        .up_to = INT64_MAX,
                                                                        .most = 100'000});
    std::vector<std::string> contents;
    for (auto& row : *rows) contents.push_back(std::move(row.content));
    return contents;
  }
};

TEST_F(ToDeviceTest, AMessageWaitsForItsDeviceAndNamesItsSender) {
  listener.clear();
  ASSERT_TRUE(send("1", {message("TABLET")}));
  const auto messages = waiting("TABLET");
  ASSERT_EQ(messages.size(), 1U);
  const json::Document document = *json::Document::parse(messages[0]);
  EXPECT_EQ(document.root().get("sender").string_or(""), id(officer));
  EXPECT_EQ(document.root().get("type").string_or(""), "m.room.encrypted");
  EXPECT_EQ(document.root().get("content").get("a").int_or(0), 1);
  EXPECT_EQ(document.root().size(), 3U);
  const auto added = listener.all<store::ToDeviceAdded>();
  ASSERT_EQ(added.size(), 1U);
  EXPECT_EQ(added[0].user_id, id(secretary));
  EXPECT_EQ(added[0].device_id, "TABLET");
}

TEST_F(ToDeviceTest, TheSameTransactionSendsNothingTwice) {
  ASSERT_TRUE(send("1", {message("TABLET")}));
  ASSERT_TRUE(send("1", {message("TABLET")}));
  EXPECT_EQ(waiting("TABLET").size(), 1U);
  ASSERT_TRUE(send("2", {message("TABLET")}));
  EXPECT_EQ(waiting("TABLET").size(), 2U);
  ASSERT_TRUE(send("1", {message("TABLET")}, "m.room_key_request"));
  EXPECT_EQ(waiting("TABLET").size(), 3U) << "ids count by endpoint";
}

TEST_F(ToDeviceTest, AStarReachesAllDevicesOfTheUser) {
  add_device(secretary, "DESK");
  ASSERT_TRUE(send("1", {message("*")}));
  EXPECT_EQ(waiting("TABLET").size(), 1U);
  EXPECT_EQ(waiting("DESK").size(), 1U);
  EXPECT_TRUE(waiting("PHONE", officer).empty());
}

TEST_F(ToDeviceTest, UnknownDevicesAndUsersArePassedOver) {
  ASSERT_TRUE(send(
      "1", {message("NONE"), message("PHONE"), message("*", "{}", "nobody"), message("TABLET")}));
  EXPECT_TRUE(waiting("NONE").empty());
  EXPECT_TRUE(waiting("PHONE").empty()) << "another user's device";
  EXPECT_EQ(waiting("TABLET").size(), 1U);
}

TEST_F(ToDeviceTest, MessagesKeepTheirOrder) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(send(std::to_string(i), {message("TABLET", R"({"n":)" + std::to_string(i) + "}")}));
  }
  const auto messages = waiting("TABLET");
  ASSERT_EQ(messages.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(messages[i].contains("\"n\":" + std::to_string(i))) << messages[i];
  }
}

TEST_F(ToDeviceTest, AFullQueueTakesNothingMoreAndStopsNobodyElse) {
  script(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 19999) "
      "INSERT INTO to_device_messages (stream_id, user_id, device_id, content, message_total, "
      "byte_total) SELECT i - 20000, '" +
      id(secretary) + "', 'TABLET', x'7b7d', i, 2 * i FROM n");
  ASSERT_TRUE(send("1", {message("TABLET")}));
  EXPECT_EQ(waiting("TABLET").size(), 1U) << "those above position 0";
  ASSERT_TRUE(send("2", {message("TABLET"), message("PHONE", "{}", officer)}));
  EXPECT_EQ(waiting("TABLET").size(), 1U);
  EXPECT_EQ(waiting("PHONE", officer).size(), 1U);
}

TEST_F(ToDeviceTest, AQueueIsFullByItsBytesToo) {
  // 32 MiB of the largest messages, and what fits no more.
  const std::string large = R"({"x":")" + std::string(largest_to_device - 8, 'x') + "\"}";
  std::size_t taken = 0;
  for (std::size_t i = 0; i < 520; ++i) {
    ASSERT_TRUE(send(std::to_string(i), {message("TABLET", large)}));
  }
  taken = waiting("TABLET").size();
  EXPECT_LT(taken, 512U);
  EXPECT_GT(taken, 500U);
  // A small one still fits, and another device is not concerned.
  ASSERT_TRUE(send("small", {message("TABLET"), message("PHONE", large, officer)}));
  EXPECT_EQ(waiting("TABLET").size(), taken + 1);
  EXPECT_EQ(waiting("PHONE", officer).size(), 1U);
  // What the device has fetched makes room: the oldest go first.
  auto reader = store->read();
  const auto oldest =
      sql::first(reader->sql(), store::statements::SyncToDevice{.user_id = id(secretary),
                                                                .device_id = "TABLET",
                                                                .above = 0,
                                                                .up_to = INT64_MAX,
                                                                .most = 1});
  const store::StreamId fetched = (*oldest)->stream_id + 9;
  ASSERT_TRUE(store.write([&](store::Transaction& transaction) {
    return sql::run(transaction.sql(),
                    store::statements::SyncDropToDevice{
                        .user_id = id(secretary), .device_id = "TABLET", .up_to = fetched});
  }));
  const std::size_t left = waiting("TABLET").size();
  ASSERT_LT(left, taken);
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(send("more" + std::to_string(i), {message("TABLET", large)}));
  }
  EXPECT_EQ(waiting("TABLET").size(), taken + 1);
}

TEST_F(ToDeviceTest, AMessageHasASize) {
  const auto decode = [](std::size_t size) {
    const std::string content = R"({"x":")" + std::string(size - 8, 'x') + "\"}";
    return ToDevice::decode(
        json::Document::parse(R"({"messages":{"@a:b":{"D":)" + content + "}}}")->root());
  };
  EXPECT_TRUE(decode(largest_to_device));
  const auto refused = decode(largest_to_device + 1);
  EXPECT_EQ(code_of(refused), "M_TOO_LARGE");
  EXPECT_EQ(refused.error().kind, ErrorKind::too_large);
}

// "*" makes many of one message: what counts is what is stored.
TEST_F(ToDeviceTest, ARequestHasASizeWithAllDevicesCounted) {
  for (int i = 0; i < 99; ++i) add_device(secretary, "D" + std::to_string(i));
  const std::string content = R"({"x":")" + std::string(40'000, 'x') + "\"}";
  ASSERT_TRUE(send("1", {message("*", content)}));  // 100 of 40 kB
  EXPECT_EQ(waiting("D7").size(), 1U);
  for (int i = 99; i < 110; ++i) add_device(secretary, "D" + std::to_string(i));
  const auto refused = send("2", {message("PHONE", "{}", officer), message("*", content)});
  EXPECT_EQ(code_of(refused), "M_TOO_LARGE");
  EXPECT_EQ(waiting("D7").size(), 1U) << "all of it or nothing";
  EXPECT_EQ(waiting("D109").size(), 0U);
  EXPECT_TRUE(waiting("PHONE", officer).empty());
}

TEST_F(ToDeviceTest, ARequestReachesSoManyDevicesAndNoMore) {
  for (int i = 0; i < 99; ++i) add_device(secretary, "D" + std::to_string(i));
  std::vector<ToDeviceMessage> many(100, message("*", "{}"));
  EXPECT_TRUE(send("1", many));
  many.push_back(message("TABLET", "{}"));
  EXPECT_EQ(code_of(send("2", many)), "M_TOO_LARGE");
}

TEST_F(ToDeviceTest, ARemovedDeviceLeavesNoMessages) {
  ASSERT_TRUE(send("1", {message("TABLET")}));
  ASSERT_TRUE(remove_device(secretary, "TABLET"));
  add_device(secretary, "TABLET");
  EXPECT_TRUE(waiting("TABLET").empty());
}

TEST_F(ToDeviceTest, BodiesAreChecked) {
  const auto decode = [](std::string_view text) {
    return ToDevice::decode(json::Document::parse(text)->root());
  };
  EXPECT_EQ(code_of(decode("{}")), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(decode(R"({"messages":[]})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(decode(R"({"messages":{"@a:b":7}})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(decode(R"({"messages":{"@a:b":{"D":7}}})")), "M_BAD_JSON");
  const auto good = decode(R"({"messages":{"@a:b":{"D":{"x":1},"*":{}}}})");
  ASSERT_TRUE(good);
  ASSERT_EQ(good->size(), 2U);
  EXPECT_EQ((*good)[0].user_id, "@a:b");
  EXPECT_EQ((*good)[0].device_id, "D");
  EXPECT_EQ((*good)[0].content, R"({"x":1})");
  std::string many;
  for (int i = 0; i <= 10'000; ++i) {
    many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  }
  EXPECT_EQ(code_of(decode(R"({"messages":{"@a:b":{)" + many + "}}}")), "M_TOO_LARGE");
  EXPECT_EQ(code_of(send("1", {message("TABLET")}, std::string(256, 't'))), "M_INVALID_PARAM");
}

}  // namespace
}  // namespace gims::service

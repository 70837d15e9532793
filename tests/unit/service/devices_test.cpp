#include "service/accounts/devices.hpp"

#include "store/statements/sync.hpp"
#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

class DevicesTest : public test::AccountsFixture {
 protected:
  DevicesTest() {
    EXPECT_TRUE(add_user("desk.officer"));
    add_device("desk.officer", "PHONE");
    add_device("desk.officer", "LAPTOP");
    listener.clear();
  }
  Result<> rename(std::string_view device, std::optional<std::string> name) {
    return wait<void>([&](auto done) {
      devices.rename(id("desk.officer"), std::string(device), std::move(name), std::move(done));
    });
  }
};

TEST_F(DevicesTest, AUserSeesTheOwnDevices) {
  EXPECT_TRUE(add_user("joint.secretary"));
  add_device("joint.secretary", "TABLET");
  const auto all = devices.list(id("desk.officer"));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].device_id, "LAPTOP");
  EXPECT_EQ((*all)[1].device_id, "PHONE");
  EXPECT_EQ((*all)[1].created_ts, store.clock().now_ms());
  EXPECT_EQ(code_of(devices.find(id("desk.officer"), "TABLET")), "M_NOT_FOUND");
}

TEST_F(DevicesTest, ANewNameIsToldToThoseWhoKnowTheDevice) {
  ASSERT_TRUE(rename("PHONE", "अधिकारी का फ़ोन"));
  EXPECT_EQ(devices.find(id("desk.officer"), "PHONE")->display_name, "अधिकारी का फ़ोन");
  const auto changes = listener.all<store::DeviceListChanged>();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].user_id, id("desk.officer"));
  // It is also what a client finds that was away, by the position of its last sync.
  auto reader = store->read();
  const auto stored = sql::all(
      reader->sql(), store::statements::SyncDeviceListChanges{.above = changes[0].position - 1});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->size(), 1U);
}

TEST_F(DevicesTest, NamesHaveALimitAndUnknownDevicesHaveNone) {
  EXPECT_TRUE(rename("PHONE", std::string(255, 'a')));
  EXPECT_EQ(code_of(rename("PHONE", std::string(256, 'a'))), "M_TOO_LARGE");
  EXPECT_EQ(code_of(rename("TABLET", "name")), "M_NOT_FOUND");
  EXPECT_TRUE(rename("PHONE", std::nullopt));
  EXPECT_EQ(devices.find(id("desk.officer"), "PHONE")->display_name, std::string(255, 'a'));
}

TEST_F(DevicesTest, ARemovedDeviceIsSignedOutAndToldOf) {
  const auto phone = login("desk.officer", password, "PHONE", true);
  ASSERT_TRUE(phone);
  ASSERT_TRUE(sessions.authenticate(phone->access_token.reveal(), {}, Admit::ready));
  settle();
  listener.clear();
  // One that is not there is passed over.
  ASSERT_TRUE(wait<void>([&](auto done) {
    devices.remove(id("desk.officer"), {"TABLET", "PHONE"}, std::move(done));
  }));
  EXPECT_EQ(code_of(sessions.authenticate(phone->access_token.reveal(), {}, Admit::ready)),
            "M_UNKNOWN_TOKEN");
  EXPECT_EQ(code_of(wait<SignedIn>([&](auto done) {
              sessions.refresh(Redacted(std::string(phone->refresh_token->reveal())),
                               std::move(done));
            })),
            "M_UNKNOWN_TOKEN");
  EXPECT_EQ(devices.list(id("desk.officer"))->size(), 1U);
  const auto removed = listener.all<store::DeviceRemoved>();
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].device_id, "PHONE");
  EXPECT_EQ(listener.all<store::DeviceListChanged>().size(), 1U);
}

TEST_F(DevicesTest, NobodyRemovesAnothersDevice) {
  EXPECT_TRUE(add_user("joint.secretary"));
  add_device("joint.secretary", "TABLET");
  ASSERT_TRUE(wait<void>(
      [&](auto done) { devices.remove(id("desk.officer"), {"TABLET"}, std::move(done)); }));
  EXPECT_TRUE(devices.find(id("joint.secretary"), "TABLET"));
}

}  // namespace
}  // namespace gims::service

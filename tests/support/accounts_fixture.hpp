// A store with accounts and all services of accounts and encryption. Every call waits for its
// commit.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/accounts/account_data.hpp"
#include "service/accounts/devices.hpp"
#include "service/accounts/interactive_auth.hpp"
#include "service/accounts/passwords.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/sessions.hpp"
#include "service/accounts/slips.hpp"
#include "service/accounts/users.hpp"
#include "service/encryption/cross_signing.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/encryption/key_backup.hpp"
#include "service/encryption/to_device.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::test {

// A closed site whose passwords cost little to hash.
inline service::Policy quick_closed_policy() {
  service::Policy policy = closed_policy();
  policy.password_cost = {.passes = 1, .memory = 8192};
  return policy;
}

inline SecretBytes key_of(std::uint8_t byte) {
  return *SecretBytes::copy_of(std::vector<std::uint8_t>(32, byte));
}

// Remembers what the rooms were told.
class RecordingRooms final : public service::ProfileInRooms {
 public:
  Result<> profile_changed(store::Transaction&, std::string_view user_id,
                           std::string_view display_name, std::string_view avatar_url) override {
    told.push_back(std::string(user_id) + "|" + std::string(display_name) + "|" +
                   std::string(avatar_url));
    return {};
  }
  std::vector<std::string> told;
};

class AccountsFixture : public ::testing::Test {
 protected:
  static constexpr const char* password = "correct horse battery";

  explicit AccountsFixture(service::Policy policy_of = quick_closed_policy(),
                           std::vector<store::ChangeListener*> others = {},
                           store::StoreOptions options = {})
      : policy(std::move(policy_of)),
        store(RoomsFixture::with(RoomsFixture::with(std::move(others), &listener), &to_sessions),
              std::move(options)),
        passwords({.pepper = key_of(1), .data = key_of(2)}, policy.password_cost, 2, 64),
        users(*store, passwords, policy),
        device_keys(*store, policy),
        removal(device_keys),
        slips(key_of(4), store.clock()),
        sessions(service::Tokens(key_of(3)), store.clock(), policy),
        password_check(users, passwords, store.clock(), policy),
        auth(users, password_check, store.clock(), policy),
        devices(*store, removal),
        profiles(*store, rooms),
        account_data(*store),
        cross_signing(*store, policy, store.clock()),
        to_device(*store),
        backups(*store) {
    slips.attach(*store);
    password_check.take_codes(slips);
    sessions.attach(*store, users, password_check, removal);
    to_sessions.sessions = &sessions;
  }
  ~AccountsFixture() override { store->stop(); }

  static std::string id(std::string_view name) { return RoomsFixture::id(name); }
  template <class T, class Start>
  static Result<T> wait(Start start) {
    return RoomsFixture::wait<T>(std::move(start));
  }

  Result<std::string> add_user(std::string_view name, std::string_view secret = password,
                               bool must_change_password = false) {
    return wait<std::string>([&](auto done) {
      users.create({.localpart = std::string(name),
                    .password = Redacted(std::string(secret)),
                    .display_name = std::nullopt,
                    .must_change_password = must_change_password},
                   std::nullopt, std::move(done));
    });
  }
  Result<> set_state(std::string_view name, service::UserState state) {
    return wait<void>([&](auto done) {
      users.set_state(id(name), state, {.name = "uid 0", .origin = "gimsctl"}, std::move(done));
    });
  }
  Result<service::SignedIn> login(std::string_view name, std::string_view secret = password,
                                  std::string_view device = "PHONE", bool refresh = false,
                                  std::string_view address = "10.0.0.1",
                                  std::optional<std::string> device_name = std::nullopt) {
    return wait<service::SignedIn>([&](auto done) {
      sessions.login({.user = std::string(name),
                      .password = Redacted(std::string(secret)),
                      .device_id = std::string(device),
                      .device_name = std::move(device_name),
                      .wants_refresh_token = refresh},
                     {.address = address, .agent = "Element"}, std::move(done));
    });
  }
  // The device is there, without the work of a password.
  void add_device(std::string_view name, std::string_view device) {
    ASSERT_TRUE(wait<service::SignedIn>([&](auto done) {
      sessions.sign_in(id(name),
                       {.user = {},
                        .password = {},
                        .device_id = std::string(device),
                        .device_name = std::nullopt},
                       std::move(done));
    }));
  }
  Result<> remove_device(std::string_view name, std::string_view device) {
    return wait<void>(
        [&](auto done) { devices.remove(id(name), {std::string(device)}, std::move(done)); });
  }
  // After it, what the services do by themselves (last seen, the end of older tokens) is done.
  void settle() {
    ASSERT_TRUE(store.write([](store::Transaction&) -> Result<> { return {}; }));
  }
  void script(const std::string& sql) {
    ASSERT_TRUE(
        store.write([&](store::Transaction& t) -> Result<> { return t.sql().script(sql); }));
  }

  struct ToSessions final : public store::ChangeListener {
    void committed(store::StreamId position,
                   std::span<const store::Change> changes) noexcept override {
      if (sessions != nullptr) sessions->committed(position, changes);
    }
    service::Sessions* sessions = nullptr;
  };

  service::Policy policy;
  RecordingListener listener;
  ToSessions to_sessions;
  RecordingRooms rooms;
  StoreUnderTest store;
  service::Passwords passwords;
  service::Users users;
  service::DeviceKeys device_keys;
  service::DeviceRemoval removal;
  service::Slips slips;
  service::Sessions sessions;
  service::PasswordCheck password_check;
  service::InteractiveAuth auth;
  service::Devices devices;
  service::Profiles profiles;
  service::AccountData account_data;
  service::CrossSigning cross_signing;
  service::ToDevice to_device;
  service::KeyBackups backups;
};

}  // namespace gims::test

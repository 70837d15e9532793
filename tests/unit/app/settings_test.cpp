#include "app/settings.hpp"

#include <gtest/gtest.h>

namespace gims::app {
namespace {

constexpr std::string_view least = R"(
data_folder = "/var/lib/gims/gimsd"
[keyd]
socket = "/run/gims/keyd"
[tlsd]
socket = "/run/gims/connections"
user = "root"
[admin]
socket = "/run/gims/admin"
[client]
base_url = "https://gims.internal:8443"
)";

// The error's text for the least configuration and `more`.
std::string problems(std::string_view more) {
  const auto settings = parse_settings(std::string(least) + std::string(more), "gimsd.toml");
  return settings ? "" : settings.error().text;
}

TEST(Settings, AskForLittle) {
  const auto settings = parse_settings(least, "gimsd.toml");
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->data_folder, "/var/lib/gims/gimsd");
  EXPECT_EQ(settings->intake_sender, 0U);
  EXPECT_TRUE(settings->admins.empty());
  EXPECT_TRUE(settings->policy.server_name.empty());
  EXPECT_TRUE(settings->relay.host.empty());
  EXPECT_TRUE(settings->push.socket.empty());
  EXPECT_TRUE(settings->policy.push_url.empty());
}

// What the threat model builds on is no matter of configuration.
TEST(Settings, KeepTheProductsPolicy) {
  const auto settings = parse_settings(least, "gimsd.toml");
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->policy.forced_encryption);
  EXPECT_TRUE(settings->policy.withhold_unverified_devices);
  EXPECT_TRUE(settings->policy.rate_limits);
  EXPECT_FALSE(settings->policy.open_registration);
  EXPECT_FALSE(settings->policy.registration_secret.has_value());
  for (const char* key : {"forced_encryption = false", "[rooms]\nforced_encryption = false",
                          "[accounts]\nopen_registration = true", "[rates]\nusers = 0",
                          "[rates]\nusers = 101", "[rates]\naddresses = 1001"}) {
    EXPECT_FALSE(problems(key).empty()) << key;
  }
}

TEST(Settings, TakeWhatTheyAreGiven) {
  const auto settings = parse_settings(std::string(least) + R"(
longest_poll = "2m"
[rooms]
default_version = "11"
[accounts]
password_memory = "64MiB"
[media]
upload_limit = "20MiB"
quota = "500MiB"
reserve = "4GiB"
[rates]
users = 2
addresses = 40
[calls]
relay = "10.73.2.1"
credential_life = "10m"
[push]
socket = "/run/gims/push/ntfy.sock"
url = "https://push.gims.internal:8444/_matrix/push/v1/notify"
[http]
loops = 4
idle_timeout = "30s"
)",
                                       "gimsd.toml");
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->policy.longest_poll, std::chrono::minutes(2));
  EXPECT_EQ(settings->policy.default_room_version, "11");
  EXPECT_EQ(settings->policy.password_cost.memory, std::size_t{64} << 20U);
  EXPECT_EQ(settings->policy.upload_limit, std::size_t{20} << 20U);
  EXPECT_EQ(settings->policy.media_quota, std::uint64_t{500} << 20U);
  EXPECT_EQ(settings->policy.media_reserve, std::uint64_t{4} << 30U);
  EXPECT_EQ(settings->policy.user_rates, 2U);
  EXPECT_EQ(settings->relay.host, "10.73.2.1");
  EXPECT_EQ(settings->push.socket, "/run/gims/push/ntfy.sock");
  EXPECT_EQ(settings->policy.push_url, "https://push.gims.internal:8444/_matrix/push/v1/notify");
  EXPECT_EQ(settings->relay.credential_life, std::chrono::minutes(10));
  EXPECT_EQ(settings->policy.address_rates, 40U);
  EXPECT_EQ(settings->http.loops, 4U);
  EXPECT_EQ(settings->http.idle_timeout, std::chrono::seconds(30));
}

TEST(Settings, TellFileLineAndKeyOfEachProblem) {
  const std::string text = problems("\n[rooms]\ndefault_version = \"9\"\n[http]\nloops = 0\n");
  EXPECT_NE(text.find("gimsd.toml:14:"), std::string::npos) << text;
  EXPECT_NE(text.find("rooms.default_version"), std::string::npos) << text;
  EXPECT_NE(text.find("http.loops"), std::string::npos) << text;
  const auto none = parse_settings("", "gimsd.toml");
  ASSERT_FALSE(none);
  for (const char* key : {"data_folder", "keyd.socket", "tlsd.socket", "tlsd.user", "admin.socket",
                          "client.base_url"}) {
    EXPECT_NE(none.error().text.find(key), std::string::npos) << key;
  }
}

TEST(Settings, RefuseAnAddressThatClientsCannotUse) {
  for (const char* url :
       {"http://gims.internal", "https://gims.internal/", "https://", "gims.internal"}) {
    std::string text(least);
    const std::size_t at = text.find("https://gims.internal:8443");
    text.replace(at, std::string_view("https://gims.internal:8443").size(), url);
    EXPECT_FALSE(parse_settings(text, "gimsd.toml")) << url;
  }
}

TEST(Settings, RefuseARelayThatNoUriNames) {
  for (const char* host :
       {"", "gims.internal:3478", "turn:gims.internal", "Gims.internal", "2001:db8::1", "a b"}) {
    const std::string text = problems("[calls]\nrelay = \"" + std::string(host) + "\"");
    EXPECT_NE(text.find("calls.relay: must be a name such as"), std::string::npos) << host << text;
  }
  EXPECT_EQ(problems("[calls]\nrelay = \"gims.internal\""), "");
  EXPECT_FALSE(problems("[calls]\ncredential_life = \"25h\"").empty());
}

TEST(Settings, OfPushAreWhole) {
  const std::string socket = "[push]\nsocket = \"/run/push.sock\"\n";
  EXPECT_TRUE(problems(socket).contains("push.url"));
  for (const char* url :
       {"http://push.gims.internal/_matrix/push/v1/notify", "https:///_matrix/push/v1/notify",
        "https://push.gims.internal/", "https://push.gims.internal/_matrix/push/v1/notify/",
        "https://push.gims.internal/_matrix/push/v1/notify?x"}) {
    EXPECT_TRUE(problems(socket + "url = \"" + url + "\"").contains("push.url: must be an address"))
        << url;
  }
  const std::string url = "url = \"https://push.gims.internal/_matrix/push/v1/notify\"\n";
  EXPECT_TRUE(problems("[push]\n" + url).contains("push.socket"));
  EXPECT_TRUE(problems(socket + url + "token_file = \"token\"").contains("push.token_file"));
  EXPECT_EQ(problems(socket + url + "token_file = \"/run/token\""), "");
}

}  // namespace
}  // namespace gims::app

#include "tls/settings.hpp"

#include <gtest/gtest.h>

namespace gims::tls {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view least =
    "[[listen]]\naddress = \"::\"\nport = 8443\n[keyd]\nsocket = \"/run/k\"\n[gimsd]\nsocket = "
    "\"/run/g\"\n";

TEST(Settings, ReadsTheLeastFile) {
  const auto settings = parse_settings(least, "tlsd.toml");
  ASSERT_TRUE(settings) << settings.error().text;
  ASSERT_EQ(settings->front.listeners.size(), 1U);
  EXPECT_EQ(settings->front.listeners[0].door, sys::Door::client);
  EXPECT_EQ(settings->front.listeners[0].port, 8443);
  EXPECT_EQ(settings->keyd_socket, "/run/k");
  EXPECT_EQ(settings->gimsd_socket, "/run/g");
  EXPECT_EQ(settings->leaf_lifetime, 24h);
  EXPECT_EQ(settings->front.connections, FrontOptions().connections);
  EXPECT_TRUE(settings->front.kernel_tls);
}

TEST(Settings, ReadsEveryKey) {
  const auto settings = parse_settings(
      "user = \"nobody\"\nkernel_tls = false\n[[listen]]\ndoor = \"console\"\naddress = "
      "\"127.0.0.1\"\nport = 0\n"
      "[keyd]\nsocket = \"/k\"\nleaf_lifetime = \"1h\"\n[gimsd]\nsocket = \"/g\"\n"
      "[limits]\nconnections = 1\nconnections_per_address = 2\nhandshakes = 3\n"
      "handshakes_per_address = 4\nhandshake_deadline = \"5s\"\nidle_timeout = \"6m\"\n"
      "[threads]\nhandshakes = 7\npumps = 8\n",
      "tlsd.toml");
  ASSERT_TRUE(settings) << settings.error().text;
  const FrontOptions& front = settings->front;
  EXPECT_EQ(settings->user, "nobody");
  EXPECT_EQ(front.listeners[0].door, sys::Door::console);
  EXPECT_EQ(settings->leaf_lifetime, 1h);
  EXPECT_EQ(front.connections, 1U);
  EXPECT_EQ(front.connections_per_address, 2U);
  EXPECT_EQ(front.handshakes, 3U);
  EXPECT_EQ(front.handshakes_per_address, 4U);
  EXPECT_EQ(front.handshake_deadline, 5s);
  EXPECT_EQ(front.idle_timeout, 6min);
  EXPECT_FALSE(front.kernel_tls);
  EXPECT_EQ(front.handshake_threads, 7U);
  EXPECT_EQ(front.pump_threads, 8U);
}

TEST(Settings, TellsEveryProblem) {
  const auto settings = parse_settings(
      "[[listen]]\naddress = \"localhost\"\nport = 65536\n[keyd]\nsocket = \"k\"\n[limits]\n"
      "connections = 0\n[gimsd]\nsocket = \"/" +
          std::string(107, 's') + "\"",
      "tlsd.toml");
  ASSERT_FALSE(settings);
  for (const char* problem :
       {"tlsd.toml:2:11: listen[0].address: must be an IP address", "tlsd.toml:3:8: listen[0].port",
        "tlsd.toml:5:10: keyd.socket", "gimsd.socket: must be a path of at most 107 bytes",
        "tlsd.toml:7:15: limits.connections"}) {
    EXPECT_NE(settings.error().text.find(problem), std::string::npos) << problem << "\n"
                                                                      << settings.error().text;
  }
}

TEST(Settings, NeedsAListener) {
  const auto settings =
      parse_settings("[keyd]\nsocket = \"/k\"\n[gimsd]\nsocket = \"/g\"\n", "tlsd.toml");
  ASSERT_FALSE(settings);
  EXPECT_NE(settings.error().text.find("listen"), std::string::npos);
}

}  // namespace
}  // namespace gims::tls

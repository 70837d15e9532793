#include "hsm/pkcs11/settings.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.hpp"

namespace gims::hsm::pkcs11 {
namespace {

constexpr std::string_view good =
    "socket = \"/run/gims/pkcs11.sock\"\n"
    "peer = \"1203\"\n"
    "module = \"/usr/lib/vendor/pkcs11.so\"\n"
    "pin_file = \"/run/credentials/pin\"\n"
    "call_limit = \"10s\"\n"
    "wrapping = \"aes-key-wrap-pad\"\n"
    "network = true\n"
    "ports = [\"9004\", \"9005\"]\n"
    "[token]\n"
    "label = \"gims\"\n"
    "[[paths]]\n"
    "path = \"/etc/vendor\"\n"
    "[[paths]]\n"
    "path = \"/dev/vendor0\"\n"
    "right = \"device\"\n";

Result<Settings> load(std::string_view toml) {
  const test::TempFolder folder;
  std::ofstream(folder / "pkcs11.toml") << toml;
  return load_settings(folder.file("pkcs11.toml"));
}

std::string changed(std::string_view from, std::string_view to) {
  std::string toml(good);
  const std::size_t at = toml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return toml.replace(at, from.size(), to);
}

TEST(Pkcs11Settings, AreReadFromTheFile) {
  const auto settings = load(good);
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ(settings->socket, "/run/gims/pkcs11.sock");
  EXPECT_EQ(settings->peer, 1203U);
  EXPECT_EQ(settings->module, "/usr/lib/vendor/pkcs11.so");
  EXPECT_EQ(settings->pin_file, "/run/credentials/pin");
  EXPECT_EQ(settings->call_limit, std::chrono::seconds(10));
  EXPECT_EQ(settings->wrapping, Wrapping::key_wrap_pad);
  EXPECT_EQ(settings->token.label, "gims");
  EXPECT_EQ(settings->token.serial, "");
  EXPECT_TRUE(settings->network);
  EXPECT_EQ(settings->ports, (std::vector<std::uint16_t>{9004, 9005}));
  ASSERT_EQ(settings->paths.size(), 3U);
  EXPECT_EQ(settings->paths[0].path, "/usr/lib/vendor/pkcs11.so");
  EXPECT_EQ(settings->paths[0].right, sys::PathRight::read_file);
  EXPECT_EQ(settings->paths[1].right, sys::PathRight::read_tree);
  EXPECT_EQ(settings->paths[2].right, sys::PathRight::device);
}

TEST(Pkcs11Settings, WithoutSayingSoThereIsNoNetwork) {
  const auto settings = load(changed("network = true\nports = [\"9004\", \"9005\"]\n", ""));
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_FALSE(settings->network);
  EXPECT_TRUE(settings->ports.empty());
  EXPECT_EQ(load(changed("wrapping = \"aes-key-wrap-pad\"\n", ""))->wrapping, std::nullopt);
}

TEST(Pkcs11Settings, AProblemNamesItsLineAndWhatIsAllowed) {
  struct Case {
    std::string toml;
    const char* told;
  };
  const Case cases[] = {
      {changed("network = true\n", ""), ":7:9: ports: must be left out without network = true"},
      {changed("ports = [\"9004\", \"9005\"]\n", ""), ": ports: is missing"},
      {changed("\"9004\"", "\"0\""), "ports[0]: must be a TCP port"},
      {changed("\"9004\"", "\"90040\""), "ports[0]: must be a TCP port"},
      {changed("label = \"gims\"\n", ""), ": token.label: is missing"},
      {changed("\"1203\"", "\"no-such-user\""), ":2:8: peer: must be a user of this system"},
      {changed("\"10s\"", "\"10m\""), ":5:14: call_limit: must be a duration from 1s to 24s"},
      {changed("\"device\"", "\"all\""), "paths[1].right: must be one of \"read\", \"write\""},
      {changed("aes-key-wrap-pad", "rsa"), ":6:12: wrapping: must be one of \"auto\""},
      {changed("pin_file", "pin"), ": pin_file: is missing"},
  };
  for (const Case& wrong : cases) {
    const auto settings = load(wrong.toml);
    ASSERT_FALSE(settings) << wrong.told;
    EXPECT_NE(settings.error().text.find(wrong.told), std::string::npos)
        << settings.error().text << "\nis not\n"
        << wrong.told;
  }
}

TEST(Pkcs11Settings, ThePinIsOneLine) {
  const test::TempFolder folder;
  const std::string path = folder.file("pin");
  const auto read = [&](std::string_view text) {
    std::ofstream(path) << text;
    return read_pin(path);
  };
  const auto is = [](const Result<SecretBytes>& pin, std::string_view text) {
    return pin && std::string_view(reinterpret_cast<const char*>(pin->bytes().data()),
                                   pin->size()) == text;
  };
  EXPECT_TRUE(is(read("1234\n"), "1234"));
  EXPECT_TRUE(is(read("1234"), "1234"));
  EXPECT_TRUE(is(read(" 12 34 "), " 12 34 "));
  EXPECT_TRUE(is(read(std::string(max_pin, '7') + "\n"), std::string(max_pin, '7')));
  for (const std::string& wrong :
       {std::string(), std::string("\n"), std::string("12\n34\n"), std::string(max_pin + 1, '7')}) {
    const auto refused = read(wrong);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find(path), std::string::npos);
    // Of the PIN nothing is told.
    EXPECT_EQ(refused.error().text.find("77"), std::string::npos);
  }
  EXPECT_FALSE(read_pin(folder.file("none")));
}

}  // namespace
}  // namespace gims::hsm::pkcs11

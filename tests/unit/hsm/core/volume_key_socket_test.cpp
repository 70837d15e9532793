#include "hsm/core/volume_key_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "support/recovery_site.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

// Asked by a process of this user, who is the one that may have the key unless it is said.
class VolumeKey : public ::testing::Test {
 protected:
  VolumeKeySocket listen(uid_t reader = ::geteuid()) {
    auto socket = VolumeKeySocket::listen(path(), reader);
    EXPECT_TRUE(socket) << socket.error().text;
    return std::move(*socket);
  }
  [[nodiscard]] std::string path() const { return (site_ / "volume.key").string(); }
  [[nodiscard]] sys::Fd connect() const {
    return std::move(*sys::stream_connect(path(), sys::Blocking::yes));
  }
  // What a connection gives until its end.
  static Bytes read(const sys::Fd& connection) {
    Bytes all;
    Bytes part(4096);
    ssize_t got = 0;
    while ((got = ::read(connection.get(), part.data(), part.size())) > 0) {
      all.insert(all.end(), part.begin(), part.begin() + got);
    }
    EXPECT_EQ(got, 0);
    return all;
  }
  Bytes asked(const VolumeKeySocket& socket) {
    const sys::Fd connection = connect();
    EXPECT_TRUE(socket.answer_one(site_.custodian()));
    return read(connection);
  }
  static Bytes key_of(KeydSite& site) {
    const auto key = site.custodian().volume_key();
    EXPECT_TRUE(key);
    return {key->bytes().begin(), key->bytes().end()};
  }
  Bytes expected() { return key_of(site_); }

  KeydSite site_;
};

TEST_F(VolumeKey, IsGivenWhileOperationalAndTheConnectionEnds) {
  site_.provisioned();
  const VolumeKeySocket socket = listen();
  const Bytes key = expected();
  ASSERT_EQ(key.size(), volume_key_size);
  EXPECT_EQ(asked(socket), key);
  EXPECT_EQ(asked(socket), key) << "as often as it is asked for";
}

TEST_F(VolumeKey, IsGivenToOneUserAlone) {
  site_.provisioned();
  const VolumeKeySocket socket = listen(::geteuid() + 1);
  EXPECT_EQ(asked(socket), Bytes());
}

TEST_F(VolumeKey, TheFileIsItsOwnersAlone) {
  const VolumeKeySocket socket = listen();
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST_F(VolumeKey, IsNotGivenInAnyOtherState) {
  const VolumeKeySocket socket = listen();
  EXPECT_EQ(site_.custodian().state(), State::unprovisioned);
  EXPECT_EQ(asked(socket), Bytes());
  site_.provisioned();
  const Bytes key = expected();

  site_.hardware().reachable = false;
  site_.restart();
  EXPECT_EQ(site_.custodian().state(), State::locked);
  EXPECT_EQ(asked(socket), Bytes());
  site_.hardware().reachable = true;
  site_.restart();
  EXPECT_EQ(asked(socket), key) << "it changes by nothing";

  ASSERT_TRUE(site_.custodian().zeroize({}));
  EXPECT_EQ(asked(socket), Bytes());
}

TEST_F(VolumeKey, AnOlderDatabaseClosesItWithTheDataKeys) {
  site_.provisioned();
  const VolumeKeySocket socket = listen();
  ASSERT_TRUE(site_.custodian().mark_store({.position = 9, .audit_entry = 0}));
  ASSERT_FALSE(site_.custodian().mark_store({.position = 8, .audit_entry = 0}));
  EXPECT_EQ(site_.custodian().state(), State::locked);
  EXPECT_EQ(asked(socket), Bytes());
}

TEST_F(VolumeKey, IsTheSameAfterARecoveryAndAnotherOfAnotherSite) {
  site_.provisioned();
  const Bytes key = expected();
  const Bytes recovery = site_.custodian().recovery_file()->file;
  ASSERT_TRUE(site_.custodian().zeroize({}));
  const auto done = test::hold(site_.custodian(), test::restore_from(recovery), site_.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(expected(), key);

  KeydSite other;
  other.provisioned();
  EXPECT_NE(key_of(other), key);
}

TEST_F(VolumeKey, NobodyIsWaitedForAndNothingIsRead) {
  site_.provisioned();
  const VolumeKeySocket socket = listen();
  EXPECT_TRUE(socket.answer_one(site_.custodian())) << "nobody is there";
  // One that only writes, one that went, and one after them.
  const sys::Fd talker = connect();
  const Bytes words(4096, 'x');
  ASSERT_EQ(::send(talker.get(), words.data(), words.size(), MSG_DONTWAIT), 4096);
  {
    const sys::Fd gone = connect();
  }
  const sys::Fd last = connect();
  for (int turn = 0; turn < 3; ++turn) EXPECT_TRUE(socket.answer_one(site_.custodian()));
  EXPECT_EQ(read(last), expected());
}

}  // namespace
}  // namespace gims::hsm

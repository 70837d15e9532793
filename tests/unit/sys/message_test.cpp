#include "sys/message.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "sys/socket.hpp"

namespace gims::sys {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class Message : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair = seqpacket_pair(Blocking::no);
    ASSERT_TRUE(pair);
    ends_ = *std::move(pair);
  }
  int a() const { return ends_.first.get(); }
  int b() const { return ends_.second.get(); }
  std::pair<Fd, Fd> ends_;
  std::array<std::uint8_t, 16> buffer_{};
};

TEST_F(Message, CarriesBytesAndADescriptor) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  const Fd reader(pipe_ends[0]);
  Fd writer(pipe_ends[1]);
  const int fds[] = {writer.get()};
  ASSERT_TRUE(send_message(a(), Bytes{1, 2, 3}, fds));
  writer.reset();
  const auto received = receive_message(b(), buffer_, 1);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size, 3U);
  EXPECT_EQ(buffer_[2], 3);
  ASSERT_EQ(received->fds.size(), 1U);
  EXPECT_NE(::fcntl(received->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(::write(received->fds[0].get(), "x", 1), 1);
  char letter = 0;
  ASSERT_EQ(::read(reader.get(), &letter, 1), 1);
  EXPECT_EQ(letter, 'x');
}

TEST_F(Message, ADescriptorThatFindsNoPlaceIsSaidAndTheNextMayFindOne) {
  const int fds[] = {a()};
  ASSERT_TRUE(send_message(a(), Bytes{1}, fds));
  ASSERT_TRUE(send_message(a(), Bytes{2}, fds));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Fd newest(::dup(a()));  // the lowest number that is free
  rlimit full = before;
  full.rlim_cur = static_cast<rlim_t>(newest.get()) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
  const auto refused = receive_message(b(), buffer_, 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "EMFILE");
  const auto next = receive_message(b(), buffer_, 1);
  ASSERT_TRUE(next);
  EXPECT_EQ(buffer_[0], 2);
  EXPECT_EQ(next->fds.size(), 1U);
}

TEST_F(Message, UnexpectedDescriptorsAreClosedAndAFailure) {
  const std::size_t before = open_descriptors();
  const int fds[] = {a(), b(), a(), b()};
  for (std::size_t most : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    ASSERT_TRUE(send_message(a(), Bytes{1}, fds));
    EXPECT_EQ(receive_message(b(), buffer_, most).error().code, "ETOOMANYREFS");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Message, MoreDescriptorsThanTheBufferHoldsAreClosedAndAFailure) {
  const std::size_t before = open_descriptors();
  std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
  std::uint8_t byte = 1;
  iovec part{.iov_base = &byte, .iov_len = 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(8 * sizeof(int));
  std::array<int, 8> fds{};
  fds.fill(a());
  std::memcpy(CMSG_DATA(header), fds.data(), sizeof fds);
  ASSERT_EQ(::sendmsg(a(), &message, 0), 1);
  EXPECT_EQ(receive_message(b(), buffer_, max_message_fds).error().code, "ETOOMANYREFS");
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Message, ALongerMessageIsAFailureWithItsDescriptorClosed) {
  const std::size_t before = open_descriptors();
  const int fds[] = {a()};
  ASSERT_TRUE(send_message(a(), Bytes(17, 0), fds));
  EXPECT_EQ(receive_message(b(), buffer_, 1).error().code, "EMSGSIZE");
  EXPECT_EQ(open_descriptors(), before);
  // The rest of it is gone too.
  EXPECT_EQ(receive_message(b(), buffer_, 1).error().code, "EAGAIN");
}

TEST_F(Message, TellsAClosedPeerOnBothSides) {
  ends_.first.reset();
  const auto received = receive_message(b(), buffer_, 1);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size, 0U);
  EXPECT_EQ(send_message(b(), Bytes{1}).error().code, "EPIPE");
}

TEST_F(Message, AFullSocketSaysSo) {
  Result<> sent;
  // Bounded by the socket's buffer, which is far smaller than this.
  for (int i = 0; i < 100'000 && sent; ++i) sent = send_message(a(), Bytes(1000, 0));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, "EAGAIN");
}

}  // namespace
}  // namespace gims::sys

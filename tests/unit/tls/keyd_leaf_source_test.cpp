#include "tls/keyd_leaf_source.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/temp_folder.hpp"
#include "sys/event_fd.hpp"
#include "sys/socket.hpp"

namespace gims::tls {
namespace {

TEST(KeydLeafSource, DoesNotHoldUpAServiceThatIsToStop) {
  // gims-keyd takes the connection and does not answer.
  const gims::test::TempFolder folder;
  const std::string path = (folder / "keyd").string();
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  const auto stop = sys::EventFd::create();
  ASSERT_TRUE(stop);
  KeydLeafSource source(path, std::chrono::hours(1), {stop->fd()});
  std::thread asked([&stop] { stop->signal(); });
  const auto leaf = source.obtain();
  asked.join();
  ASSERT_FALSE(leaf);
  EXPECT_EQ(leaf.error().code, "GIMS_KEYD_GONE");
  EXPECT_EQ(leaf.error().detail, "this service is to stop");
  EXPECT_FALSE(source.ready());
}

}  // namespace
}  // namespace gims::tls

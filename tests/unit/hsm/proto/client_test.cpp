// What the client of gims-keyd makes of answers that are well formed and wrong.
#include "hsm/proto/client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "hsm/proto/listener.hpp"
#include "support/raw_peer.hpp"
#include "support/temp_folder.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

TEST(KeydClient, AsManySignaturesAsEventsAreTaken) {
  const test::TempFolder folder;
  const std::string path = folder.file("socket");
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  std::thread keyd([&listener] {
    test::answer_one(*listener, keyd_operations, [](Writer& writer) {
      const std::array<Signature, 2> two{};
      encode(writer, two);
    });
  });
  const auto client = Client::connect(path);
  ASSERT_TRUE(client);
  const auto signature = (*client)->sign_event(Bytes{'{', '}'});
  keyd.join();
  ASSERT_FALSE(signature);
  EXPECT_EQ(signature.error().kind, ErrorKind::internal);
  EXPECT_EQ(signature.error().code, "GIMS_KEYD_FRAME");
  EXPECT_EQ(signature.error().detail, "another number of signatures than events");
}

TEST(KeydSocket, ThatCannotBeMadeIsNamed) {
  const test::TempFolder folder;
  const std::string path = folder.file("nowhere/socket");
  const auto listener = listen_for_frames(path);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(listener.error().code, "GIMS_KEYD_SOCKET");
  EXPECT_EQ(listener.error().text, "The socket " + path + " cannot be made (ENOENT).");
}

}  // namespace
}  // namespace gims::hsm

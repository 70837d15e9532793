// The file that says that a unit was zeroized, and whether that was proved.
#include <gtest/gtest.h>

#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

TEST(ZeroizedMark, IsADoubtWhereItIsDamaged) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().zeroize({}));
  ASSERT_EQ(site.restart().status().reason, "");
  const auto path = site.state() / "zeroized";
  const Bytes mark = test::read_bytes(path);
  ASSERT_FALSE(mark.empty());
  for (std::size_t bit = 0; bit < 8 * mark.size(); ++bit) {
    Bytes changed = mark;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    test::write_bytes(path, changed);
    EXPECT_EQ(site.restart().state(), State::zeroized);
    EXPECT_NE(site.custodian().status().reason.find("not proved"), std::string::npos) << bit;
  }
  for (std::size_t size = 0; size < mark.size(); ++size) {
    test::write_bytes(path, BytesView(mark).first(size));
    EXPECT_NE(site.restart().status().reason.find("not proved"), std::string::npos) << size;
  }
}

}  // namespace
}  // namespace gims::hsm

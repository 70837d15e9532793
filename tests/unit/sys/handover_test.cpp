#include "sys/handover.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gims::sys {
namespace {

Handover sample() {
  return {.door = Door::console,
          .carriage = Carriage::pump,
          .peer = {.ip = *IpAddress::parse("192.0.2.7"), .port = 0x1234},
          .tls_version = 0x0304,
          .cipher_suite = 0x1301};
}

TEST(Handover, HasTheBytesThatTheHeaderStates) {
  const std::array<std::uint8_t, handover_size> expected = {
      'G', 'H', 1, 2, 1, 4, 0x12, 0x34, 192, 0, 2,    7,    0, 0, 0, 0,
      0,   0,   0, 0, 0, 0, 0,    0,    3,   4, 0x13, 0x01, 0, 0, 0, 0};
  EXPECT_EQ(encode_handover(sample()), expected);
}

TEST(Handover, ComesBackAsItWent) {
  Handover handover = sample();
  EXPECT_EQ(*decode_handover(encode_handover(handover)), handover);
  handover.door = Door::client;
  handover.carriage = Carriage::ktls;
  handover.peer = {.ip = *IpAddress::parse("2001:db8::ffff"), .port = 65535};
  handover.tls_version = 0x0303;
  EXPECT_EQ(*decode_handover(encode_handover(handover)), handover);
}

TEST(Handover, RefusesEveryOtherLength) {
  const auto message = encode_handover(sample());
  std::vector<std::uint8_t> longer(message.begin(), message.end());
  longer.push_back(0);
  EXPECT_FALSE(decode_handover(longer));
  for (std::size_t size = 0; size < handover_size; ++size) {
    EXPECT_FALSE(decode_handover(std::span(message).first(size))) << size;
  }
}

TEST(Handover, RefusesEveryWrongValue) {
  struct Change {
    std::size_t at;
    std::uint8_t value;
  };
  for (const Change change : {Change{0, 'g'},
                              {1, 'g'},
                              {2, 0},
                              {2, 2},
                              {3, 0},
                              {3, 3},
                              {4, 0},
                              {4, 3},
                              {5, 0},
                              {5, 10},
                              {12, 1},
                              {23, 1},
                              {24, 2},
                              {25, 5},
                              {28, 1},
                              {31, 1}}) {
    auto message = encode_handover(sample());
    message[change.at] = change.value;
    EXPECT_FALSE(decode_handover(message)) << change.at;
  }
}

}  // namespace
}  // namespace gims::sys

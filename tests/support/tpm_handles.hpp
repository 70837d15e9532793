// What a TPM holds, asked without tpm2-tss.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "support/swtpm.hpp"
#include "sys/socket.hpp"

namespace gims::test {

// How many handles of one kind are in it: TPM2_GetCapability of TPM_CAP_HANDLES (TPM 2.0 library
// part 3, section 30.2).
inline std::size_t handles_in(const Swtpm& tpm, std::uint8_t kind) {
  const auto socket = sys::stream_connect(tpm.socket(), sys::Blocking::yes);
  EXPECT_TRUE(socket);
  if (!socket) return 0;
  const std::vector<std::uint8_t> command{0x80, 0x01, 0, 0,    0, 22, 0, 0, 0x01, 0x7a, 0,
                                          0,    0,    1, kind, 0, 0,  0, 0, 0,    0,    64};
  EXPECT_EQ(::write(socket->get(), command.data(), command.size()),
            static_cast<ssize_t>(command.size()));
  // Header, whether there is more, the kind of capability, and the count.
  std::vector<std::uint8_t> answer(1024);
  const ssize_t size = ::read(socket->get(), answer.data(), answer.size());
  EXPECT_GE(size, 19);
  EXPECT_EQ(std::vector(answer.begin() + 6, answer.begin() + 10), std::vector<std::uint8_t>(4, 0))
      << "a failure";
  return answer[18];
}

// Transient objects, sessions in the TPM, sessions saved outside of it.
inline std::size_t left_in(const Swtpm& tpm) {
  return handles_in(tpm, 0x80) + handles_in(tpm, 0x02) + handles_in(tpm, 0x03);
}

}  // namespace gims::test

// What comes over a connection until its other end is closed.
#pragma once

#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

// `fd` blocks. libFuzzer's clock is a signal, which interrupts a read on a busy machine.
inline std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> room{};
  while (true) {
    const ssize_t got = ::read(fd, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(room.data(), static_cast<std::size_t>(got));
  }
}

// OpenSSL's client, for tests.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "support/temp_folder.hpp"

namespace gims::tls::test {

struct Ended {
  int status = -1;
  std::string output;
};

inline Ended run(const std::string& command) {
  Ended ended;
  std::FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::array<char, 4096> part{};
  std::size_t got = 0;
  while ((got = std::fread(part.data(), 1, part.size(), pipe)) > 0) {
    ended.output.append(part.data(), got);
  }
  const int status = ::pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

inline Ended s_client(std::uint16_t port, const std::string& options) {
  return run("openssl s_client -connect 127.0.0.1:" + std::to_string(port) + " " + options +
             " </dev/null");
}

// The same with input that stays open after what is given, until the client has ended by itself;
// the limit ends one that does not. Without -ign_eof, which would inhibit the commands in it.
inline Ended s_client_with_input(std::uint16_t port, const std::string& options,
                                 const std::string& input) {
  const gims::test::TempFolder folder;
  return run(
      "cd " + folder.path().string() +
      " && mkfifo in && { timeout 20 openssl s_client -connect 127.0.0.1:" + std::to_string(port) +
      " " + options + " <in & } && exec 3>in && printf '" + input + "' >&3 && wait $!");
}

}  // namespace gims::tls::test

// A software TPM for tests: a swtpm process of one's own, on a Unix socket in a temporary folder.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "support/process.hpp"
#include "support/temp_folder.hpp"
#include "sys/socket.hpp"

namespace gims::test {

// Keeps its state across stop() and start(), as a TPM does across a power cycle. A new one is
// another TPM. Ends its process when it goes.
class Swtpm {
 public:
  Swtpm() {
    // tpm2-tss writes every refusal to stderr; the tests cause them on purpose.
    ::setenv("TSS2_LOG", "all+none", 0);
    start();
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm() { stop(); }

  // The data socket, and how gims-keyd's configuration names it.
  [[nodiscard]] std::string socket() const { return (dir_ / "tpm").string(); }
  // Where it keeps what a real one keeps in its chip.
  [[nodiscard]] std::string state() const { return (dir_ / "state").string(); }
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + socket(); }

  void start() {
    std::filesystem::create_directory(dir_ / "state");
    pid_ = spawn_program({"swtpm", "socket", "--tpm2", "--tpmstate",
                          "dir=" + (dir_ / "state").string(), "--server",
                          "type=unixio,path=" + socket(),
                          // tpm2-tools wants one; gims-keyd does not.
                          "--ctrl", "type=unixio,path=" + socket() + ".ctrl", "--flags",
                          "not-need-init,startup-clear",
                          "--log", "file=" + (dir_ / "log").string()});
    ASSERT_GT(pid_, 0) << "swtpm cannot be started";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!sys::stream_connect(socket(), sys::Blocking::yes)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "swtpm does not listen";
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "swtpm ended";
      ::poll(nullptr, 0, 5);
    }
  }

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    wait_for_end(pid_);
    pid_ = -1;
    // A killed one may leave its socket.
    std::filesystem::remove(socket());
    std::filesystem::remove(socket() + ".ctrl");
  }

  // Stops it from answering, as a TPM that hangs; and lets it go on.
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }

 private:
  TempFolder dir_;
  pid_t pid_ = -1;
};

}  // namespace gims::test

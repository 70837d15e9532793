// Tokens of SoftHSM 2 for tests: in a folder of one's own, with the module that Debian installs.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "hsm/pkcs11/token_vault.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::test {

// One at a time: the module finds its folder by the environment of the process.
class SoftHsm {
 public:
  static constexpr const char* module = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr const char* pin = "847361";

  SoftHsm() {
    std::filesystem::create_directory(tokens());
    std::ofstream(folder_ / "softhsm2.conf")
        << "directories.tokendir = " << tokens().string() << "\nobjectstore.backend = file\n"
        << "log.level = ERROR\nslots.removable = true\n";
    ::setenv("SOFTHSM2_CONF", folder_.file("softhsm2.conf").c_str(), 1);
    add("gims");
  }

  // Another token beside the one named "gims".
  void add(const std::string& label) {
    const CommandResult made = run_command({"softhsm2-util", "--init-token", "--free", "--label",
                                            label, "--so-pin", "12345678", "--pin", pin});
    ASSERT_EQ(made.status, 0) << made.output;
  }

  // The token "gims" is pulled out, and plugged in again.
  void pull() { std::filesystem::rename(tokens(), folder_ / "pulled"); }
  void plug() { std::filesystem::rename(folder_ / "pulled", tokens()); }

  [[nodiscard]] std::filesystem::path tokens() const { return folder_ / "tokens"; }
  [[nodiscard]] std::string file(std::string_view name) const { return folder_.file(name); }

  // What any other program sees of the token.
  [[nodiscard]] std::string listed() const {
    return run_command({"pkcs11-tool", "--module", module, "--token-label", "gims", "--login",
                        "--pin", pin, "--list-objects"})
        .output;
  }

  static SecretBytes pin_of(std::string_view text) {
    return *SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  static hsm::pkcs11::TokenOptions options(std::string_view with_pin = pin,
                                           std::string_view label = "gims") {
    return {.token = {.label = std::string(label), .serial = {}},
            .pin = pin_of(with_pin),
            .wrapping = {}};
  }

 private:
  TempFolder folder_;
};

// A module that does what SoftHSM does, with faults (faulty_module.cpp): it reads the file's one
// line at each call, "C_Sign 50" to answer so, "C_Sign hang" not to.
class Fault {
 public:
  explicit Fault(const SoftHsm& hsm) : path_(hsm.file("fault")) {
    ::setenv("GIMS_MODULE_FAULT", path_.c_str(), 1);
  }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;
  ~Fault() { ::unsetenv("GIMS_MODULE_FAULT"); }
  void set(std::string_view line) const { std::ofstream(path_) << line << '\n'; }
  void clear() const { std::filesystem::remove(path_); }
  // Calls of the function since the process began; the module counts them into a file.
  [[nodiscard]] int calls(std::string_view function) const {
    std::ifstream log(path_ + ".log");
    int count = 0;
    for (std::string line; std::getline(log, line);) count += line == function;
    return count;
  }

 private:
  std::string path_;
};

}  // namespace gims::test

// A custodian in a folder of its own, with a vault in memory.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "hsm/core/custodian.hpp"
#include "support/fake_vault.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_folder.hpp"

namespace gims::test {

inline hsm::SiteParameters site_parameters() {
  hsm::SiteParameters site;
  site.server_name = "gims.internal";
  site.organisation = "Joint Secretariat";
  site.dns_names = {"gims.internal", "chat.gims.internal"};
  site.addresses = {{192, 0, 2, 7}};
  return site;
}

inline hsm::ProvisionRequest provision_request() {
  hsm::ProvisionRequest request;
  request.site = site_parameters();
  return request;
}

inline hsm::Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& path, hsm::BytesView bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

class KeydSite {
 public:
  KeydSite() {
    // Tests cause failures on purpose, thousands of them.
    log::set_level(static_cast<log::Level>(0));
    restart();
  }

  // As a gims-keyd that ends and one that starts.
  hsm::Custodian& restart() {
    custodian_.reset();
    auto folder = hsm::StateFolder::open(state().string());
    GIMS_CHECK(folder.has_value());
    custodian_ = std::make_unique<hsm::Custodian>(
        std::move(*folder), std::make_unique<FakeVault>(hardware_), clock_, "test");
    custodian_->start();
    return *custodian_;
  }
  hsm::Custodian& provisioned() {
    const auto done = custodian_->provision(provision_request());
    EXPECT_TRUE(done) << done.error().text;
    return *custodian_;
  }

  [[nodiscard]] hsm::Custodian& custodian() { return *custodian_; }
  [[nodiscard]] FakeHardware& hardware() { return *hardware_; }
  [[nodiscard]] ManualClock& clock() { return clock_; }
  [[nodiscard]] std::filesystem::path state() const { return folder_ / "state"; }
  [[nodiscard]] std::filesystem::path custody() const { return state() / "custody.bin"; }
  [[nodiscard]] std::filesystem::path audit() const { return state() / "audit.bin"; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return folder_ / name;
  }

 private:
  TempFolder folder_;
  ManualClock clock_;
  std::shared_ptr<FakeHardware> hardware_ = std::make_shared<FakeHardware>();
  std::unique_ptr<hsm::Custodian> custodian_;
};

}  // namespace gims::test

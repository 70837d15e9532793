// A custodian in a folder of its own, with a vault in memory.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/core/attended_vault.hpp"
#include "hsm/core/combined_vault.hpp"
#include "hsm/core/custodian.hpp"
#include "support/approval_signer.hpp"
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

// Two of three, which are shown and not typed again.
inline hsm::CeremonyRequest provision_request() {
  hsm::CeremonyRequest request;
  request.kind = hsm::CeremonyKind::provision;
  request.site = site_parameters();
  request.scheme = {.group_threshold = 1, .groups = {{.threshold = 2, .count = 3}}};
  request.confirm = false;
  request.administrators = list_of({&asha(), &bimal()});
  return request;
}

inline hsm::BytesView words_of(const std::string& share) {
  return {reinterpret_cast<const std::uint8_t*>(share.data()), share.size()};
}

// A whole ceremony: gives `shares`, and puts those that are made into `made`, one after the other.
inline Result<hsm::FinishReply> hold(hsm::Custodian& custodian, hsm::CeremonyRequest request,
                                     const std::vector<std::string>& shares,
                                     std::vector<std::string>* made = nullptr) {
  GIMS_TRY_ASSIGN(hsm::CeremonyReply now, custodian.begin_ceremony(std::move(request)));
  for (const std::string& share : shares) {
    if (now.stage != hsm::CeremonyStage::gather) break;
    GIMS_TRY_ASSIGN(now, custodian.give_share({.id = now.id, .words = words_of(share)}));
  }
  std::vector<std::string> shown;
  for (std::uint8_t group = 0; group < now.hands_out.groups.size(); ++group) {
    for (std::uint8_t member = 0; member < now.hands_out.groups[group].count; ++member) {
      GIMS_TRY_ASSIGN(const std::string_view words,
                      custodian.show_share({.id = now.id, .group = group, .member = member}));
      shown.emplace_back(words);
    }
  }
  if (made != nullptr) *made = std::move(shown);
  return custodian.finish_ceremony({.id = now.id});
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
  // With a second hardware, both are needed.
  explicit KeydSite(std::shared_ptr<FakeHardware> second = nullptr) : second_(std::move(second)) {
    // Tests cause failures on purpose, thousands of them.
    log::set_level(static_cast<log::Level>(0));
    restart();
  }

  // As a gims-keyd that ends and one that starts.
  hsm::Custodian& restart() {
    custodian_.reset();
    auto folder = hsm::StateFolder::open(state().string());
    GIMS_CHECK(folder.has_value());
    custodian_ = std::make_unique<hsm::Custodian>(std::move(*folder), vault(), clock_, "test");
    custodian_->start();
    return *custodian_;
  }
  // The state folder becomes a copy of another. restart() reads it.
  void replace_state(const std::filesystem::path& other) {
    custodian_.reset();
    std::filesystem::remove_all(state());
    std::filesystem::copy(other, state());
    std::filesystem::permissions(state(), std::filesystem::perms::owner_all);
  }
  hsm::Custodian& provisioned() {
    const auto done = provision(provision_request());
    EXPECT_TRUE(done) << done.error().text;
    return *custodian_;
  }
  Result<hsm::FinishReply> provision(hsm::CeremonyRequest request) {
    auto done = hold(*custodian_, std::move(request), {}, &shares_);
    custodian_->abort_ceremony();
    return done;
  }
  // Of the provisioning.
  [[nodiscard]] const std::vector<std::string>& shares() const { return shares_; }

  [[nodiscard]] hsm::Custodian& custodian() { return *custodian_; }
  [[nodiscard]] FakeHardware& hardware() { return *hardware_; }
  [[nodiscard]] std::shared_ptr<FakeHardware> hardware_pointer() { return hardware_; }
  // As the custodian's, which keeps nothing but in the hardware.
  [[nodiscard]] std::unique_ptr<hsm::Vault> vault() const {
    std::unique_ptr<hsm::Vault> vault = std::make_unique<FakeVault>(hardware_);
    if (second_) {
      vault = hsm::make_combined_vault(std::move(vault), std::make_unique<FakeVault>(second_));
    }
    return hsm::make_attended_vault(std::move(vault));
  }
  [[nodiscard]] ManualClock& clock() { return clock_; }
  [[nodiscard]] std::filesystem::path state() const { return folder_ / "state"; }
  [[nodiscard]] std::filesystem::path custody() const { return state() / "custody.bin"; }
  [[nodiscard]] std::filesystem::path kept() const { return state() / "state.bin"; }
  [[nodiscard]] std::filesystem::path recovery() const { return state() / "recovery.bin"; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return folder_ / name;
  }

 private:
  TempFolder folder_;
  ManualClock clock_;
  std::shared_ptr<FakeHardware> hardware_ = std::make_shared<FakeHardware>();
  std::shared_ptr<FakeHardware> second_;
  std::unique_ptr<hsm::Custodian> custodian_;
  std::vector<std::string> shares_;
};

}  // namespace gims::test

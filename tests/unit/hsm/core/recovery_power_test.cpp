// What is left of a ceremony whose end was cut: by the power, the hardware or the disk.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/full_disk.hpp"
#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::hold;
using test::Identity;
using test::identity_of;
using test::KeydSite;
using test::leaf_of;
using test::provision_request;
using test::read_bytes;
using test::record_of;
using test::request;
using test::restore_from;
using test::Shares;
using test::write_bytes;

// A unit at one moment: what is in its folder and in its hardware.
class Moment {
 public:
  explicit Moment(KeydSite& site) : hardware_(copy_of(site.hardware())) {
    std::filesystem::copy(site.state(), folder_ / "state");
  }
  void become(KeydSite& site) const {
    site.replace_state(folder_ / "state");
    site.hardware() = copy_of(hardware_);
  }
  // The files that are others at a later moment.
  [[nodiscard]] std::vector<std::string> changed_until(const Moment& later) const {
    std::vector<std::string> names;
    for (const char* name :
         {StateFolder::custody, StateFolder::state, StateFolder::recovery, StateFolder::zeroized}) {
      if (file(name) != later.file(name)) names.emplace_back(name);
    }
    return names;
  }
  // One of these becomes the site's.
  void put(const std::string& name, KeydSite& site) const {
    if (const auto bytes = file(name)) {
      write_bytes(site.state() / name, *bytes);
    } else {
      std::filesystem::remove(site.state() / name);
    }
  }

 private:
  [[nodiscard]] std::optional<Bytes> file(const std::string& name) const {
    const auto path = folder_ / "state" / name;
    if (!std::filesystem::exists(path)) return std::nullopt;
    return read_bytes(path);
  }

  static test::FakeHardware copy_of(const test::FakeHardware& other) {
    test::FakeHardware copy;
    copy.seal = *other.seal.clone();
    copy.next_seal = *other.next_seal.clone();
    copy.password = *other.password.clone();
    copy.counter = other.counter;
    copy.boot = other.boot;
    copy.seal_boot = other.seal_boot;
    copy.next_boot = other.next_boot;
    copy.name = other.name;
    return copy;
  }
  test::TempFolder folder_;
  test::FakeHardware hardware_;
};

// What a ceremony begins from, and what it should come to.
struct Case {
  const char* name;
  CeremonyKind kind;
  // Makes the site as it is before; gives the request.
  std::function<CeremonyRequest(KeydSite& site, const KeydSite& origin)> prepare;
};

std::vector<Case> cases() {
  using enum CeremonyKind;
  return {
      {"reshare", reshare, [](KeydSite&, const KeydSite&) { return request(reshare); }},
      {"renew_ca", renew_ca, [](KeydSite&, const KeydSite&) { return request(renew_ca); }},
      {"restore, the same hardware", restore,
       [](KeydSite& site, const KeydSite&) {
         site.hardware().boot = 2;
         site.restart();
         return request(restore);
       }},
      {"restore, zeroized", restore,
       [](KeydSite& site, const KeydSite&) {
         EXPECT_TRUE(site.custodian().zeroize({}));
         return request(restore);
       }},
      {"restore, other hardware", restore,
       [](KeydSite& site, const KeydSite&) {
         site.hardware() = test::FakeHardware{};
         site.hardware().name = 2;
         site.restart();
         return request(restore);
       }},
      {"accept", accept,
       [](KeydSite& site, const KeydSite&) {
         const Bytes older = read_bytes(site.kept());
         EXPECT_TRUE(site.custodian().extend_audit({.sequence = 2, .hash = {2}}));
         site.custodian().stop();
         write_bytes(site.kept(), older);
         site.restart();
         return request(accept);
       }},
  };
}

// Whatever the power left, one of the two: the site opens as the same site, or it is closed and the
// quorum, old or new, restores or accepts it.
void comes_back(KeydSite& site, const Identity& before, const Shares& old_shares,
                const Shares& new_shares, const std::string& where) {
  site.restart();
  if (site.custodian().state() != State::operational) {
    bool back = false;
    for (const CeremonyKind kind : {CeremonyKind::accept, CeremonyKind::restore}) {
      for (const Shares& shares : {old_shares, new_shares}) {
        if (back) continue;
        CeremonyRequest asked = request(kind);
        asked.replace = true;
        back = hold(site.custodian(), std::move(asked), shares).has_value();
        site.custodian().abort_ceremony();
      }
    }
    ASSERT_TRUE(back) << where << ": " << site.custodian().status().reason;
  }
  ASSERT_EQ(site.custodian().state(), State::operational) << where;
  EXPECT_EQ(identity_of(site.custodian()), before) << where;
  EXPECT_TRUE(leaf_of(site.custodian())) << where;
  EXPECT_EQ(site.restart().state(), State::operational) << where;
  // And the shares in force are known to those who hold some.
  const RecoveryRecord record = record_of(site.custodian());
  const Shares& in_force = record.generation == 1 ? old_shares : new_shares;
  KeydSite elsewhere;
  const auto restored =
      hold(elsewhere.custodian(), restore_from(site.custodian().recovery_file()->file), in_force);
  EXPECT_TRUE(restored) << where << ": " << restored.error().text;
}

TEST(RecoveryPower, WhereverThePowerGoesTheSiteIsOneOrTheOther) {
  for (const Case& one : cases()) {
    KeydSite site;
    const Identity before = identity_of(site.provisioned());
    ASSERT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
    site.custodian().stop();
    CeremonyRequest asked = one.prepare(site, site);

    std::vector<std::unique_ptr<Moment>> moments;
    site.hardware().at_call = [&] { moments.push_back(std::make_unique<Moment>(site)); };
    Shares fresh;
    const auto done = hold(site.custodian(), std::move(asked), site.shares(), &fresh);
    site.hardware().at_call = nullptr;
    ASSERT_TRUE(done) << one.name << ": " << done.error().text;
    moments.push_back(std::make_unique<Moment>(site));
    EXPECT_GE(moments.size(), 3U) << one.name;
    for (std::size_t i = 0; i < moments.size(); ++i) {
      KeydSite cut;
      moments[i]->become(cut);
      const std::string where = std::string(one.name) + ", cut at call " + std::to_string(i);
      comes_back(cut, before, site.shares(), fresh, where);
      if (i + 1 == moments.size()) continue;
      // And between the files that are written before the next call, in whichever order.
      for (const std::string& name : moments[i]->changed_until(*moments[i + 1])) {
        KeydSite between;
        moments[i]->become(between);
        moments[i + 1]->put(name, between);
        comes_back(between, before, site.shares(), fresh, where + ", after " + name);
      }
    }
  }
}

TEST(RecoveryPower, HardwareThatGoesAtAnyCallLeavesWhatCanBeDoneAgain) {
  for (const Case& one : cases()) {
    bool whole = false;
    for (int calls = 0; !whole; ++calls) {
      ASSERT_LT(calls, 100);
      KeydSite site;
      const Identity before = identity_of(site.provisioned());
      ASSERT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
      site.custodian().stop();
      CeremonyRequest asked = one.prepare(site, site);
      site.hardware().calls_left = calls;
      Shares fresh;
      const auto done = hold(site.custodian(), std::move(asked), site.shares(), &fresh);
      whole = site.hardware().reachable;
      EXPECT_TRUE(done || !whole) << one.name << ": " << done.error().text;
      site.hardware().calls_left.reset();
      site.hardware().reachable = true;
      comes_back(site, before, site.shares(), fresh,
                 std::string(one.name) + ", away after " + std::to_string(calls));
      // What it said is so: whoever was told of new shares needs no others.
      if (one.kind == CeremonyKind::reshare) {
        EXPECT_EQ(record_of(site.custodian()).generation, done ? 2U : 1U) << calls;
      }
    }
  }
}

TEST(RecoveryPower, ADiskThatIsFullFromAnyCallOnLeavesWhatCanBeDoneAgain) {
  for (const Case& one : cases()) {
    bool whole = false;
    for (int full_at = 0; !whole; ++full_at) {
      ASSERT_LT(full_at, 100);
      KeydSite site;
      const Identity before = identity_of(site.provisioned());
      ASSERT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
      site.custodian().stop();
      CeremonyRequest asked = one.prepare(site, site);
      Shares fresh;
      {
        test::FullDisk disk;
        int calls = 0;
        site.hardware().at_call = [&] {
          if (calls++ == full_at) disk.fill();
        };
        static_cast<void>(hold(site.custodian(), std::move(asked), site.shares(), &fresh));
        site.hardware().at_call = nullptr;
        whole = calls <= full_at;
      }
      comes_back(site, before, site.shares(), fresh,
                 std::string(one.name) + ", full at call " + std::to_string(full_at));
    }
  }
}

TEST(RecoveryPower, AZeroizingThatWasCutNeverWasOrIsRepeated) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  site.custodian().stop();
  std::unique_ptr<Moment> begun;
  site.hardware().at_call = [&] { begun = std::make_unique<Moment>(site); };
  ASSERT_TRUE(site.custodian().zeroize({}));
  site.hardware().at_call = nullptr;
  ASSERT_TRUE(begun);
  {
    KeydSite cut;  // before the hardware did its part
    begun->become(cut);
    ASSERT_EQ(cut.restart().state(), State::operational);
    EXPECT_EQ(identity_of(cut.custodian()), before);
    EXPECT_FALSE(std::filesystem::exists(cut.state() / StateFolder::zeroized));
  }
  // After it, at each file on the way.
  const auto no_more = [](KeydSite& cut) { static_cast<void>(cut); };
  const auto marked = [](KeydSite& cut) {
    constexpr std::string_view mark = "zeroized";
    write_bytes(cut.state() / StateFolder::zeroized,
                {reinterpret_cast<const std::uint8_t*>(mark.data()), mark.size()});
  };
  const auto without_custody = [&](KeydSite& cut) {
    marked(cut);
    std::filesystem::remove(cut.custody());
  };
  const std::vector<std::function<void(KeydSite&)>> ways{no_more, marked, without_custody};
  for (const auto& on_the_way : ways) {
    KeydSite cut;
    begun->become(cut);
    cut.hardware().seal = SecretBytes();
    on_the_way(cut);
    const bool certain = &on_the_way != &ways.front();
    if (cut.restart().state() == State::locked) {
      const auto repeated = cut.custodian().zeroize({});
      ASSERT_TRUE(repeated) << repeated.error().text;
      EXPECT_EQ(repeated->doubt.empty(), certain) << repeated->doubt;
    }
    EXPECT_EQ(cut.custodian().state(), State::zeroized);
    EXPECT_EQ(cut.restart().state(), State::zeroized);
    EXPECT_FALSE(std::filesystem::exists(cut.custody()));
    // What is left is for the quorum.
    ASSERT_TRUE(hold(cut.custodian(), request(CeremonyKind::restore), site.shares()));
    EXPECT_EQ(identity_of(cut.custodian()), before);
  }
}

TEST(RecoveryPower, AProvisioningThatWasCutIsRepeated) {
  KeydSite site;
  std::vector<std::unique_ptr<Moment>> moments;
  site.hardware().at_call = [&] { moments.push_back(std::make_unique<Moment>(site)); };
  const Identity made = identity_of(site.provisioned());
  site.hardware().at_call = nullptr;
  int repeated = 0;
  std::vector<std::pair<std::size_t, std::string>> cuts;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    cuts.emplace_back(i, "");
    if (i + 1 == moments.size()) continue;
    for (const std::string& name : moments[i]->changed_until(*moments[i + 1])) {
      // custody.bin is the last to be written.
      if (name != StateFolder::custody) cuts.emplace_back(i, name);
    }
  }
  for (const auto& [i, name] : cuts) {
    KeydSite cut;
    moments[i]->become(cut);
    if (!name.empty()) moments[i + 1]->put(name, cut);
    if (cut.restart().state() == State::operational) {
      EXPECT_EQ(identity_of(cut.custodian()), made);
      continue;
    }
    ++repeated;
    ASSERT_EQ(cut.custodian().state(), State::unprovisioned) << cut.custodian().status().reason;
    CeremonyRequest again = provision_request();
    again.replace = true;
    ASSERT_TRUE(cut.provision(std::move(again)));
    EXPECT_EQ(cut.restart().state(), State::operational);
  }
  EXPECT_GE(repeated, 2);
  EXPECT_LT(repeated, static_cast<int>(cuts.size()));
}

}  // namespace
}  // namespace gims::hsm

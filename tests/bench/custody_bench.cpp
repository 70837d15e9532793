// What custody costs, with a swtpm as the TPM: unsealing, signing, a quote, a leaf, restoring from
// shares, and the protocol's frames. A TPM in hardware is slower by far, and the same in every
// other respect.
//
//   bench_custody [SECONDS]        how long each is measured
//
// Prints its figures as JSON.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/core/custodian.hpp"
#include "hsm/core/server.hpp"
#include "hsm/proto/client.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/recovery_site.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"

namespace gims::hsm {
namespace {

using Seconds = std::chrono::duration<double>;

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "bench_custody: %s %s\n", error.text.c_str(), error.detail.c_str());
  std::exit(1);  // NOLINT(concurrency-mt-unsafe)
}
void need(const Result<>& result) {
  if (!result) give_up(result.error());
}
template <class T>
T need(Result<T> result) {
  if (!result) give_up(result.error());
  return std::move(*result);
}

// How often `act` is done in that time, and the time that each takes.
template <class Act>
std::vector<double> times_of(Seconds length, const Act& act) {
  std::vector<double> times;
  const auto end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end || times.empty()) {
    const auto begin = std::chrono::steady_clock::now();
    act();
    times.push_back(Seconds(std::chrono::steady_clock::now() - begin).count());
  }
  return times;
}

template <class Act>
double middle_ms(Seconds length, const Act& act) {
  std::vector<double> times = times_of(length, act);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::nth_element(times.begin(), middle, times.end());
  return 1000 * *middle;
}

// A gims-keyd in this process: the loop has a thread of its own.
class Keyd {
 public:
  explicit Keyd(const test::Swtpm& tpm)
      : signals_(need(sys::SignalFd::for_service())),
        custodian_(need(StateFolder::open(folder_.file("state"))), tpm2::make_vault(options(tpm)),
                   clock_, "bench") {
    custodian_.start();
    CeremonyRequest request = test::provision_request();
    request.scheme = {.group_threshold = 1, .groups = {{.threshold = 3, .count = 5}}};
    need(test::hold(custodian_, std::move(request), {}, &shares_));
    recovery_ = test::record_of(custodian_);
    Server server = need(
        Server::listen(socket(), {{::getuid(), Roles{} | Role::admin | Role::tlsd | Role::gimsd}}));
    thread_ = std::thread([this, server = std::move(server)]() mutable {
      sys::Watchdog watchdog(std::nullopt, [] {});
      need(server.run(custodian_, signals_, watchdog));
    });
  }
  Keyd(const Keyd&) = delete;
  Keyd& operator=(const Keyd&) = delete;
  ~Keyd() {
    ::kill(::getpid(), SIGTERM);
    thread_.join();
  }

  static tpm2::Options options(const test::Swtpm& tpm) {
    return {.address = need(tpm2::parse_address(tpm.tcti())), .release = test::release_policy(1)};
  }
  [[nodiscard]] std::string socket() const { return folder_.file("socket"); }
  // What the quorum does of a restoration: three shares open the site's keys.
  void restore() const {
    Ceremony ceremony = need(Ceremony::begin(test::request(CeremonyKind::restore), recovery_));
    for (std::size_t share = 0; share < 3; ++share) {
      need(ceremony.give(test::words_of(shares_.at(share))));
    }
    if (ceremony.envelope().root_key.empty()) std::abort();
  }
  [[nodiscard]] Bytes blob() const {
    const Bytes file = test::read_bytes(folder_ / "state" / StateFolder::custody);
    return need(decode_custody(file)).vault_blob;
  }

 private:
  test::TempFolder folder_;
  SystemClock clock_;
  sys::SignalFd signals_;
  Custodian custodian_;
  std::vector<std::string> shares_;
  RecoveryRecord recovery_;
  std::thread thread_;
};

void run(Seconds length) {
  log::set_level(static_cast<log::Level>(0));
  const test::Swtpm tpm;
  const Keyd keyd(tpm);
  const auto vault = tpm2::make_vault(Keyd::options(tpm));
  const Bytes blob = keyd.blob();
  const Digest digest{1};
  const auto client = need(Client::connect(keyd.socket()));
  const LeafRequest leaf{.public_key = spki_of(need(generate_p256()).public_key)};

  const double unseal = middle_ms(length, [&] { need(vault->open(blob)); });
  const double sign =
      middle_ms(length, [&] { need(vault->sign(blob, KeyUse::issuing_ca, digest)); });
  const double quote = middle_ms(length, [&] { need(vault->attestor()->quote(blob, digest)); });
  const double issue = middle_ms(length, [&] { need(client->sign_leaf(leaf)); });
  const double restore = middle_ms(length, [&] { keyd.restore(); });
  const std::size_t frames = times_of(length, [&] { need(client->status()); }).size();
  std::printf(
      "{\"unseal_p50_ms\": %.3f, \"sign_p50_ms\": %.3f, \"quote_p50_ms\": %.3f, "
      "\"leaf_p50_ms\": %.3f, \"restore_p50_ms\": %.3f, \"frames_per_second\": %.0f}\n",
      unseal, sign, quote, issue, restore, static_cast<double>(frames) / length.count());
}

}  // namespace
}  // namespace gims::hsm

int main(int argc, char** argv) {
  gims::hsm::run(gims::hsm::Seconds(argc > 1 ? std::atof(argv[1]) : 2.0));
  return 0;
}

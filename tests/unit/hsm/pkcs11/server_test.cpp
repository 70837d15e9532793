#include "hsm/pkcs11/server.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/log.hpp"
#include "hsm/pkcs11/dispatch.hpp"
#include "hsm/pkcs11/remote_vault.hpp"
#include "support/fake_vault.hpp"
#include "support/p256.hpp"
#include "support/raw_peer.hpp"
#include "support/softhsm.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using namespace std::chrono_literals;

// An HSM has its PIN, and takes no password of the site's.
const SecretBytes no_secret;

// gims-pkcs11d's loop in a thread, over a vault of the test's.
class Running {
 public:
  explicit Running(Vault& vault, uid_t peer = ::getuid())
      : vault_(vault), peer_(peer), signals_(*sys::SignalFd::for_service()) {
    log::set_level(static_cast<log::Level>(0));
    start();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(); }

  void start() {
    auto server = Server::listen(path(), peer_, 60s);
    ASSERT_TRUE(server) << server.error().text;
    thread_ = std::thread([this, server = std::move(*server)]() mutable {
      const auto worker = Worker::start();
      ASSERT_TRUE(worker);
      sys::Watchdog watchdog(std::nullopt, [] {});
      EXPECT_TRUE(server.run(vault_, **worker, signals_, watchdog));
    });
  }
  void stop() {
    if (!thread_.joinable()) return;
    ::kill(::getpid(), SIGTERM);
    thread_.join();
  }
  [[nodiscard]] std::string path() const { return folder_.file("socket"); }
  [[nodiscard]] std::unique_ptr<Vault> remote() const {
    return std::move(*make_remote_vault({.socket = path(), .time_limit = 60s}));
  }
  [[nodiscard]] sys::Fd raw() const {
    return std::move(*sys::seqpacket_connect(path(), sys::Blocking::yes));
  }

 private:
  const test::TempFolder folder_;
  Vault& vault_;
  const uid_t peer_;
  const sys::SignalFd signals_;
  std::thread thread_;
};

struct FakeSite {
  FakeSite() { hardware->eddsa = true; }
  std::shared_ptr<test::FakeHardware> hardware = std::make_shared<test::FakeHardware>();
  test::FakeVault vault{hardware};
};

TEST(Pkcs11Server, ARemoteVaultDoesWhatTheVaultDoes) {
  FakeSite site;
  Running running(site.vault);
  const auto remote = running.remote();
  EXPECT_EQ(remote->kind(), "pkcs11");
  EXPECT_TRUE(remote->removable());
  EXPECT_EQ(remote->info()->description, "fake");
  EXPECT_TRUE(remote->info()->software);
  EXPECT_TRUE(remote->probe());
  EXPECT_EQ(site.hardware->probes, 1);
  const auto nothing = remote->open(Bytes{1});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().text, "the hardware holds nothing");
  EXPECT_EQ(nothing.error().code, "GIMS_KEYD_CUSTODY");

  const SecretBytes root = *SecretBytes::random(key_size);
  const auto sealed = remote->provision(root, no_secret, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_FALSE(remote->provision(root, no_secret, false));
  const auto again = remote->provision(root, no_secret, true);
  ASSERT_TRUE(again);
  const auto opened = remote->open(again->blob);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
  EXPECT_EQ(opened->ca_public, again->ca_public);
  EXPECT_EQ(opened->attestation_public, again->attestation_public);
  const Digest digest{3};
  for (const KeyUse use : {KeyUse::issuing_ca, KeyUse::attestation}) {
    const auto signature = remote->sign(again->blob, use, digest);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(test::p256_verifies(
        use == KeyUse::issuing_ca ? again->ca_public : again->attestation_public, digest,
        *signature));
  }
  EXPECT_TRUE(again->server_public);
  EXPECT_EQ(opened->server_public, again->server_public);
  // More than one of our own requests holds: as much as one of gimsd's.
  const Bytes event(std::size_t{63} * 1024, '{');
  std::vector<BytesView> events(2, event);
  events.resize(max_events, BytesView(event).first(2));
  const auto signatures = remote->sign_events(again->blob, events);
  ASSERT_TRUE(signatures) << signatures.error().text;
  ASSERT_EQ(signatures->size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_TRUE(server_key_verifies(*again->server_public, events[i], (*signatures)[i])) << i;
  }
  const auto renewed = remote->renew_ca(again->blob);
  ASSERT_TRUE(renewed);
  EXPECT_NE(renewed->ca_public, again->ca_public);
  EXPECT_EQ(*remote->counter(again->blob, no_secret), 2U);
  EXPECT_EQ(*remote->advance(again->blob, no_secret), 3U);
  EXPECT_EQ(*remote->counter(again->blob, no_secret), 3U);
  const SecretBytes other_root = *SecretBytes::random(key_size);
  const auto resealed = remote->reseal(again->blob, other_root);
  ASSERT_TRUE(resealed);
  EXPECT_TRUE(remote->open(again->blob));
  EXPECT_TRUE(remote->settle(resealed->blob, no_secret));
  EXPECT_FALSE(remote->open(again->blob));
  const auto settled = remote->open(resealed->blob);
  ASSERT_TRUE(settled);
  EXPECT_TRUE(equal_in_constant_time(settled->root_key.bytes(), other_root.bytes()));
  EXPECT_EQ(remote->destroy(again->blob, nullptr), Vault::Destruction::done);
  EXPECT_EQ(remote->destroy(again->blob, nullptr), Vault::Destruction::nothing_there);
  EXPECT_FALSE(remote->open(again->blob));
  site.hardware->reachable = false;
  const auto away = remote->open(again->blob);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, away_code);
}

TEST(Pkcs11Server, AnotherUserIsToldSoAndDisconnected) {
  FakeSite site;
  Running running(site.vault, ::getuid() + 1);
  const sys::Fd socket = running.raw();
  const auto refusal = test::refusal_on(socket, vault_operations);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::not_for_this_peer);
  EXPECT_TRUE(test::is_closed(socket));
  const auto refused = running.remote()->info();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, away_code);
  EXPECT_NE(refused.error().text.find("gims-pkcs11d refused"), std::string::npos)
      << refused.error().text;
  EXPECT_EQ(site.hardware->probes, 0);
}

TEST(Pkcs11Server, ConnectionsHaveABound) {
  FakeSite site;
  Running running(site.vault);
  std::vector<std::unique_ptr<Vault>> remotes;
  for (std::size_t i = 0; i < Server::most_peers; ++i) {
    remotes.push_back(running.remote());
    ASSERT_TRUE(remotes.back()->info());
  }
  const sys::Fd one_more = running.raw();
  const auto refusal = test::refusal_on(one_more, vault_operations);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::busy);
  remotes.erase(remotes.begin());
  EXPECT_TRUE(running.remote()->info());
  for (const auto& remote : remotes) EXPECT_TRUE(remote->info());
}

TEST(Pkcs11Server, WhatIsNoFrameEndsTheConnection) {
  FakeSite site;
  Running running(site.vault);
  Bytes keyd_request(64);
  const auto frame = Writer(keyd_request).frame({.operation = Operation::data_keys});
  keyd_request.resize(frame->size());
  for (const Bytes& message :
       {Bytes{1}, Bytes(max_frame_size + 1, 'G'), Bytes(64, 0), keyd_request}) {
    const sys::Fd socket = running.raw();
    ASSERT_TRUE(sys::send_message(socket.get(), message));
    const auto refusal = test::refusal_on(socket, vault_operations);
    ASSERT_TRUE(refusal) << message.size();
    EXPECT_EQ(refusal->code, RefusalCode::bad_frame);
    EXPECT_TRUE(test::is_closed(socket));
  }
  EXPECT_TRUE(running.remote()->info());
}

TEST(Pkcs11Server, PeersTakeTurns) {
  FakeSite site;
  Running running(site.vault);
  const SecretBytes root = *SecretBytes::random(key_size);
  const auto sealed = running.remote()->provision(root, no_secret, false);
  ASSERT_TRUE(sealed);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      const auto remote = running.remote();
      for (int round = 0; round < 20; ++round) {
        const auto opened = remote->open(sealed->blob);
        ASSERT_TRUE(opened) << opened.error().text;
        EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Pkcs11Remote, SaysThatTheProcessIsAwayAndGoesOnWhenItIsBack) {
  FakeSite site;
  Running running(site.vault);
  const auto remote = running.remote();
  ASSERT_TRUE(remote->info());
  running.stop();
  for (int i = 0; i < 2; ++i) {
    const auto gone = remote->info();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, away_code);
    EXPECT_EQ(gone.error().kind, ErrorKind::unavailable);
    EXPECT_NE(gone.error().text.find("gims-pkcs11d does not answer"), std::string::npos);
  }
  running.start();
  EXPECT_TRUE(remote->info());
}

TEST(Pkcs11Remote, GivesUpAtItsTimeLimit) {
  const test::TempFolder folder;
  const auto listener = sys::seqpacket_listen(folder.file("socket"), 0600);
  ASSERT_TRUE(listener);
  const auto remote = make_remote_vault({.socket = folder.file("socket"), .time_limit = 50ms});
  const auto gone = (*remote)->probe();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::unavailable);
}

// 65,000 of them where GIMS_SIGNATURES says so, as `make faults` does.
TEST(Pkcs11Server, ManySignaturesLeaveNoSessionBehind) {
  const char* told = std::getenv("GIMS_SIGNATURES");
  const int many = told != nullptr ? static_cast<int>(std::strtol(told, nullptr, 10)) : 5000;
  const test::SoftHsm hsm;
  const test::Fault fault(hsm);
  const auto module = Module::load(GIMS_FAULTY_MODULE);
  ASSERT_TRUE(module);
  const auto vault = make_token_vault(**module, test::SoftHsm::options());
  Running running(*vault);
  const auto remote = running.remote();
  const auto sealed = remote->provision(*SecretBytes::random(key_size), no_secret, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  // The key for events has signed already, to show that it can.
  const int before = fault.calls("C_Sign");
  for (int i = 0; i < many; ++i) {
    Digest digest{};
    digest[0] = static_cast<std::uint8_t>(i);
    digest[1] = static_cast<std::uint8_t>(i >> 8);
    const auto signature = remote->sign(sealed->blob, KeyUse::issuing_ca, digest);
    ASSERT_TRUE(signature) << i << " " << signature.error().text;
    if (i % 100 == 0) {
      ASSERT_TRUE(test::p256_verifies(sealed->ca_public, digest, *signature));
    }
  }
  // The one it began with, and no other in between.
  EXPECT_EQ(fault.calls("C_Sign") - before, many);
  EXPECT_EQ(fault.calls("C_OpenSession"), 1);
  EXPECT_EQ(fault.calls("C_CloseSession"), 0);
  EXPECT_EQ(fault.calls("C_Login"), 1);
}

TEST(Pkcs11Server, AsManySignaturesAsEventsAreTaken) {
  const test::TempFolder folder;
  const std::string path = folder.file("socket");
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  std::thread process([&listener] {
    test::answer_one(*listener, vault_operations, [](Writer& writer) {
      const std::array<Signature, 2> two{};
      encode(writer, two);
    });
  });
  const auto remote = make_remote_vault({.socket = path, .time_limit = 60s});
  ASSERT_TRUE(remote);
  const Bytes event{'{', '}'};
  const std::array<BytesView, 1> events{event};
  const auto signatures = (*remote)->sign_events(Bytes{1}, events);
  process.join();
  ASSERT_FALSE(signatures);
  EXPECT_EQ(signatures.error().kind, ErrorKind::internal);
  EXPECT_EQ(signatures.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_NE(signatures.error().text.find("another number of events"), std::string::npos);
}

TEST(Pkcs11Server, WhatIsNoRequestIsABadFrame) {
  FakeSite site;
  Bytes bytes(max_frame_size);
  Writer writer(bytes);
  const auto reply = writer.frame({.kind = Kind::reply, .operation = Operation::vault_probe});
  ASSERT_TRUE(reply);
  Bytes room(max_frame_size);
  const Answer answered = answer(site.vault, *reply, room);
  EXPECT_TRUE(answered.hang_up);
  const auto frame = decode_frame(answered.frame, vault_operations);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.kind, Kind::refusal);
  const auto refusal = decode_refusal(frame->body);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::bad_frame);
  EXPECT_EQ(site.hardware->probes, 0) << "the vault was not asked";
}

// A gims-pkcs11d over the faulty module, in a process of its own.
pid_t serving_process(const std::string& path, std::chrono::milliseconds call_limit) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const auto signals = sys::SignalFd::for_service();
  const auto module = Module::load(GIMS_FAULTY_MODULE);
  const auto vault = make_token_vault(**module, test::SoftHsm::options());
  auto server = Server::listen(path, ::getuid(), call_limit);
  const auto worker = Worker::start();
  sys::Watchdog watchdog(std::nullopt, [] {});
  static_cast<void>(server->run(*vault, **worker, *signals, watchdog));
  ::_exit(0);
}

TEST(Pkcs11Server, AModuleThatHangsEndsTheProcess) {
  const test::SoftHsm hsm;
  const test::Fault fault(hsm);
  const test::TempFolder folder;
  const std::string path = folder.file("socket");
  const pid_t child = serving_process(path, 300ms);
  const auto remote = make_remote_vault({.socket = path, .time_limit = 60s});
  while (!sys::seqpacket_connect(path, sys::Blocking::yes)) ::usleep(1000);
  fault.set("C_Login hang");
  const auto gone = (*remote)->probe();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(test::wait_for_end(child), 1);
}

// A module's crash is the end of that process alone; whoever asks hears that the HSM is away.
TEST(Pkcs11Server, AModuleThatCrashesTakesNobodyWithIt) {
  const test::SoftHsm hsm;
  const test::Fault fault(hsm);
  const test::TempFolder folder;
  const std::string path = folder.file("socket");
  const pid_t child = serving_process(path, 60s);
  const auto remote = make_remote_vault({.socket = path, .time_limit = 60s});
  while (!sys::seqpacket_connect(path, sys::Blocking::yes)) ::usleep(1000);
  fault.set("C_Login crash");
  const auto gone = (*remote)->probe();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, away_code);
  EXPECT_NE(gone.error().text.find("gims-pkcs11d does not answer"), std::string::npos);
  EXPECT_EQ(test::wait_for_end(child), 128 + SIGABRT);
}

TEST(Pkcs11Worker, TellsWhatHasNotEnded) {
  std::atomic<bool> go = false;  // outlives the worker, whose thread looks at it
  const auto worker = Worker::start();
  ASSERT_TRUE(worker);
  int ran = 0;
  EXPECT_TRUE((*worker)->run_within([&] { ++ran; }, 60s));
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE((*worker)->run_within([&] { go.wait(false); }, 10ms));
  go = true;
  go.notify_all();
}

}  // namespace
}  // namespace gims::hsm::pkcs11

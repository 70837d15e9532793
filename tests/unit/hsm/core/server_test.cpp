#include "hsm/core/server.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sodium.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hsm/proto/client.hpp"
#include "support/decided_site.hpp"
#include "support/keyd_site.hpp"
#include "support/raw_peer.hpp"
#include "sys/event_fd.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

using namespace std::chrono_literals;

constexpr Roles everything = Roles{} | Role::admin | Role::tlsd | Role::gimsd | Role::tamper;

// gims-keyd's loop in a thread, over a custodian in memory.
class Running {
 public:
  explicit Running(
      Server::RolesOfUsers users = {{::getuid(), everything}},
      void (*before)(test::KeydSite&) = [](test::KeydSite&) {})
      : users_(std::move(users)), signals_(*sys::SignalFd::for_service()) {
    before(site_);  // from start() on the custodian is the thread's
    start();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(); }

  void start() {
    auto server = Server::listen(path(), users_);
    ASSERT_TRUE(server) << server.error().text;
    thread_ = std::thread([this, server = std::move(*server)]() mutable {
      sys::Watchdog watchdog(std::nullopt, [] {});
      EXPECT_TRUE(server.run(site_.custodian(), signals_, watchdog, [this] {
        const std::scoped_lock lock(mutex_);
        told_ = site_.custodian().summary();
      }));
    });
  }
  void stop() {
    ::kill(::getpid(), SIGTERM);
    thread_.join();
  }

  [[nodiscard]] std::string path() const { return (site_ / "socket").string(); }
  [[nodiscard]] std::unique_ptr<Client> client() const {
    auto client = Client::connect(path());
    EXPECT_TRUE(client) << client.error().text;
    return std::move(*client);
  }
  [[nodiscard]] sys::Fd raw() const {
    return std::move(*sys::seqpacket_connect(path(), sys::Blocking::yes));
  }
  [[nodiscard]] test::KeydSite& site() { return site_; }
  // What the last change was told to be.
  [[nodiscard]] std::string told() {
    const std::scoped_lock lock(mutex_);
    return told_;
  }

 private:
  std::mutex mutex_;
  std::string told_;
  test::KeydSite site_;
  const Server::RolesOfUsers users_;
  const sys::SignalFd signals_;
  std::thread thread_;
};

void provisioned(test::KeydSite& site) { site.provisioned(); }

Bytes status_request(std::uint32_t number) {
  Bytes room(64);
  const auto frame = Writer(room).frame({.number = number});
  return {frame->begin(), frame->end()};
}

TEST(KeydServer, AnswersEveryRequestOfTheClient) {
  Running keyd;
  const auto client = keyd.client();
  auto status = client->status();
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(status->state, State::unprovisioned);
  const auto early = client->data_keys();
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, "GIMS_KEYD_STATE");
  EXPECT_EQ(early.error().kind, ErrorKind::unavailable);

  const auto begun = client->ceremony_begin(test::provision_request());
  ASSERT_TRUE(begun) << begun.error().text;
  for (std::uint8_t member = 0; member < 3; ++member) {
    const auto words = client->ceremony_share({.id = begun->id, .group = 0, .member = member});
    ASSERT_TRUE(words) << words.error().text;
    EXPECT_GT(words->size(), 100U);
  }
  const auto finished = client->ceremony_finish({.id = begun->id});
  ASSERT_TRUE(finished) << finished.error().text;
  EXPECT_EQ(finished->generation, 1U);
  status = client->status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->server_name, "gims.internal");

  const auto root = client->site_root();
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
  std::array<std::uint8_t, 32> hash{};
  crypto_hash_sha256(hash.data(), root->certificate.data(), root->certificate.size());
  EXPECT_EQ(root->sha256, hash);

  const auto leaf = client->sign_leaf({.public_key = spki_of(generate_p256()->public_key)});
  ASSERT_TRUE(leaf) << leaf.error().text;
  EXPECT_EQ(leaf->chain.size(), 2U);
  const auto keys = client->data_keys();
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->pepper.size(), key_size);

  const auto server_key = client->server_key();
  ASSERT_TRUE(server_key);
  const Bytes event{'{', '}'};
  const auto signature = client->sign_event(event);
  ASSERT_TRUE(signature);
  EXPECT_EQ(crypto_sign_verify_detached(signature->data(), event.data(), event.size(),
                                        server_key->public_key.data()),
            0);
  const std::vector<BytesView> events(max_events, event);
  const auto signatures = client->sign_events(events);
  ASSERT_TRUE(signatures);
  EXPECT_EQ(signatures->size(), max_events);
  EXPECT_FALSE(client->sign_events(std::vector<BytesView>(max_events + 1, event)));
  const Bytes large(max_event, ' ');
  const auto too_much = client->sign_events(std::vector<BytesView>(2, large));
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().kind, ErrorKind::too_large);

  EXPECT_TRUE(client->extend_audit({.sequence = 2, .hash = {2}}));
  const auto back = client->extend_audit({.sequence = 1, .hash = {1}});
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().kind, ErrorKind::conflict);
  EXPECT_EQ(client->audit_head()->sequence, 2U);
  EXPECT_FALSE(client->unlock());
  const auto zeroized = client->zeroize({});
  ASSERT_TRUE(zeroized) << zeroized.error().text;
  EXPECT_EQ(zeroized->doubt, "");
  EXPECT_EQ(client->status()->state, State::zeroized);
}

TEST(KeydServer, TwoPersonsDecideOverTheSocket) {
  Running keyd;
  keyd.stop();
  keyd.site().provisioned();
  keyd.start();
  const auto client = keyd.client();
  EXPECT_EQ(client->administrators()->list, test::list_of({&test::asha(), &test::bimal()}));
  const std::string user = "@desk.officer:gims.internal";
  const ProposeRequest request{.action = Action::identity_reset,
                               .body = {user.begin(), user.end()}};
  const auto proposal = client->propose(request);
  ASSERT_TRUE(proposal) << proposal.error().text;
  const auto yes = [&](const test::Signer& signer) {
    return client->approve(
        {.id = proposal->id, .assertion = test::encoded(signer.approve(proposal->challenge))});
  };
  EXPECT_EQ(yes(test::asha())->missing, 1U);
  const auto twice = yes(test::asha());
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(twice.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(yes(test::bimal())->missing, 0U);
  const auto waiting = client->proposals();
  ASSERT_TRUE(waiting);
  ASSERT_EQ(waiting->size(), 1U);
  EXPECT_EQ(waiting->front().body, request.body);
  EXPECT_EQ(waiting->front().approved_by, (std::vector<std::string>{"Asha", "Bimal"}));
  const auto redeemed =
      client->redeem({.id = proposal->id, .action = request.action, .body = request.body});
  ASSERT_TRUE(redeemed) << redeemed.error().text;
  EXPECT_EQ(redeemed->approved_by, (std::vector<std::string>{"Asha", "Bimal"}));
  EXPECT_FALSE(client->withdraw({.id = proposal->id}));
  const auto acts = client->acts({});
  ASSERT_TRUE(acts);
  ASSERT_EQ(acts->acts.size(), 4U);
  EXPECT_EQ(acts->acts.back().act, "approval.done");
}

TEST(KeydServer, OpensByItselfWhatWasAwayAndTellsTheChange) {
  Running keyd;
  keyd.stop();
  keyd.site().provisioned();
  keyd.site().hardware().reachable = false;
  keyd.site().restart();
  keyd.site().hardware().reachable = true;
  keyd.start();
  const auto client = keyd.client();
  ASSERT_TRUE(client->status());
  EXPECT_EQ(client->status()->state, State::locked);
  EXPECT_EQ(keyd.told(), "");
  keyd.site().clock().advance(5'000);
  // A request wakes the loop, which looks at the time after it.
  ASSERT_TRUE(client->status());
  EXPECT_EQ(client->status()->state, State::operational);
  EXPECT_EQ(keyd.told(), "operational");
}

TEST(KeydServer, TheWatchdogWaitsForOneRequestAndNotForThoseOfAll) {
  test::KeydSite site;
  const std::string path = (site / "socket").string();
  auto server = Server::listen(path, {{::getuid(), everything}});
  ASSERT_TRUE(server) << server.error().text;
  const auto signals = sys::SignalFd::for_service();
  ASSERT_TRUE(signals);
  // All of them ask before the first turn, so one turn serves them.
  std::vector<sys::Fd> peers;
  for (std::uint32_t number = 1; number <= 4; ++number) {
    peers.push_back(std::move(*sys::seqpacket_connect(path, sys::Blocking::yes)));
    ASSERT_TRUE(sys::send_message(peers.back().get(), status_request(number)));
  }
  std::atomic<std::size_t> petted = 0;
  sys::Watchdog watchdog(1h, [&] { ++petted; });
  std::thread thread(
      [&] { EXPECT_TRUE(server->run(site.custodian(), *signals, watchdog, [] {})); });
  Bytes room(max_frame_size);
  for (const sys::Fd& peer : peers) EXPECT_TRUE(sys::receive_message(peer.get(), room));
  ::kill(::getpid(), SIGTERM);
  thread.join();
  // The turns that take the peers, serve them and stop, and each request.
  EXPECT_GE(petted, 3 + peers.size());
}

TEST(KeydClient, GivesUpWhereItsServiceIsToStop) {
  // gims-keyd takes the connection and does not answer.
  const test::TempFolder folder;
  const std::string path = (folder / "socket").string();
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  const auto stop = sys::EventFd::create();
  ASSERT_TRUE(stop);
  const auto client = Client::connect(path, Client::default_limit, {-1, stop->fd()});
  ASSERT_TRUE(client);
  std::thread asked([&stop] { stop->signal(); });
  const auto status = (*client)->status();
  asked.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "GIMS_KEYD_GONE");
  EXPECT_EQ(status.error().detail, "this service is to stop");
}

TEST(KeydServer, TheLargestEventIsSigned) {
  Running keyd({{::getuid(), everything}}, provisioned);
  Bytes event(max_event, ' ');
  event.front() = '{';
  event.back() = '}';
  EXPECT_TRUE(keyd.client()->sign_event(event));
}

TEST(KeydServer, AClientConnectsAgainAfterARestart) {
  Running keyd;
  const auto client = keyd.client();
  ASSERT_TRUE(client->status());
  keyd.stop();
  const auto gone = client->status();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, "GIMS_KEYD_GONE");
  EXPECT_EQ(gone.error().kind, ErrorKind::unavailable);
  keyd.start();
  EXPECT_TRUE(client->status());
}

TEST(KeydServer, ARoleIsThatOfTheUser) {
  Running keyd({{::getuid(), Roles{} | Role::tlsd}}, provisioned);
  const auto client = keyd.client();
  EXPECT_TRUE(client->status());
  EXPECT_TRUE(client->sign_leaf({.public_key = spki_of(generate_p256()->public_key)}));
  const auto refused = client->data_keys();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_PEER");
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  EXPECT_TRUE(client->status()) << "the connection stays";
}

TEST(KeydServer, AUserWithoutARoleIsToldSoAndDisconnected) {
  Running keyd({{::getuid() + 1, everything}});
  const sys::Fd socket = keyd.raw();
  const auto refusal = test::refusal_on(socket, keyd_operations);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::not_for_this_peer);
  EXPECT_TRUE(test::is_closed(socket));
  const auto status = keyd.client()->status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "GIMS_KEYD_PEER");
}

TEST(KeydServer, OneUserHasABoundOfConnections) {
  Running keyd;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < Server::most_peers; ++i) {
    clients.push_back(keyd.client());
    ASSERT_TRUE(clients.back()->status());
  }
  const sys::Fd one_more = keyd.raw();
  const auto refusal = test::refusal_on(one_more, keyd_operations);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, RefusalCode::busy);
  EXPECT_TRUE(test::is_closed(one_more));
  EXPECT_TRUE(clients.back()->status());
  clients.pop_back();
  // The loop sees the end of a connection before it takes the next.
  EXPECT_TRUE(keyd.client()->status());
}

TEST(KeydServer, WhatIsNoFrameEndsTheConnection) {
  Running keyd;
  const std::vector<Bytes> messages{Bytes{1}, Bytes(max_frame_size + 1, 'G'), Bytes(64, 0)};
  for (const Bytes& message : messages) {
    const sys::Fd socket = keyd.raw();
    ASSERT_TRUE(sys::send_message(socket.get(), message));
    const auto refusal = test::refusal_on(socket, keyd_operations);
    ASSERT_TRUE(refusal) << message.size();
    EXPECT_EQ(refusal->code, RefusalCode::bad_frame);
    EXPECT_TRUE(test::is_closed(socket));
  }
  EXPECT_TRUE(keyd.client()->status());
}

TEST(KeydServer, ACutFrameEndsTheConnectionAndChangesNothing) {
  Running keyd;
  Bytes room(max_frame_size);
  Writer writer(room);
  encode(writer, test::provision_request());
  const auto whole =
      writer.frame({.kind = Kind::request, .operation = Operation::ceremony_begin, .number = 1});
  ASSERT_TRUE(whole);
  for (std::size_t size = 1; size < whole->size(); ++size) {
    const sys::Fd socket = keyd.raw();
    ASSERT_TRUE(sys::send_message(socket.get(), whole->first(size)));
    const auto refusal = test::refusal_on(socket, keyd_operations);
    ASSERT_TRUE(refusal) << size;
    EXPECT_EQ(refusal->code, RefusalCode::bad_frame) << size;
    EXPECT_TRUE(test::is_closed(socket)) << size;
  }
  EXPECT_EQ(keyd.client()->status()->state, State::unprovisioned);
}

TEST(KeydServer, APeerThatReadsNothingHoldsNobodyUp) {
  Running keyd;
  const sys::Fd deaf = keyd.raw();
  // Until its socket is full of answers and gims-keyd hangs up.
  for (std::uint32_t i = 0; sys::send_message(deaf.get(), status_request(i)); ++i) {
    ASSERT_LT(i, 1'000'000U);
  }
  EXPECT_TRUE(keyd.client()->status());
}

TEST(KeydServer, ThreadsMayShareAClient) {
  Running keyd({{::getuid(), everything}}, provisioned);
  const auto client = keyd.client();
  const auto public_key = client->server_key()->public_key;
  std::vector<std::thread> threads;
  for (std::uint8_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Bytes event{'{', i, '}'};
      for (int round = 0; round < 50; ++round) {
        const auto signature = client->sign_event(event);
        ASSERT_TRUE(signature);
        EXPECT_EQ(crypto_sign_verify_detached(signature->data(), event.data(), event.size(),
                                              public_key.data()),
                  0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Answers one request on each of two connections: on the first with the answer of one before it.
void answer_late_and_then_rightly(int listener) {
  for (const std::uint32_t late : {1U, 0U}) {
    pollfd entry{.fd = listener, .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&entry, 1, -1), 1);
    const auto peer = sys::accept(listener, sys::Blocking::yes);
    ASSERT_TRUE(peer && *peer);
    Bytes request(max_frame_size);
    const auto received = sys::receive_message((*peer)->get(), request);
    ASSERT_TRUE(received);
    const auto asked = decode_frame(BytesView(request).first(received->size));
    ASSERT_TRUE(asked);
    Bytes room(max_frame_size);
    Writer writer(room);
    StatusReply status;
    status.version = "test";
    encode(writer, status);
    const auto answer = writer.frame({.kind = Kind::reply,
                                      .operation = asked->header.operation,
                                      .number = asked->header.number - late});
    ASSERT_TRUE(answer);
    ASSERT_TRUE(sys::send_message((*peer)->get(), *answer));
  }
}

TEST(KeydClient, AnAnswerOfThePastIsNotTaken) {
  const test::TempFolder folder;
  const std::string path = (folder / "socket").string();
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  std::thread keyd([&listener] { answer_late_and_then_rightly(listener->get()); });
  const auto client = Client::connect(path);
  ASSERT_TRUE(client);
  const auto late = (*client)->status();
  const auto next = (*client)->status();
  keyd.join();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "GIMS_KEYD_GONE");
  EXPECT_EQ(late.error().detail, "an answer to something else");
  ASSERT_TRUE(next) << next.error().detail;
  EXPECT_EQ(next->version, "test");
}

TEST(KeydClient, GivesUpAtItsTimeLimit) {
  const test::TempFolder folder;
  const std::string path = (folder / "socket").string();
  EXPECT_FALSE(Client::connect(path, 50ms));
  const auto listener = sys::seqpacket_listen(path, 0600);
  ASSERT_TRUE(listener);
  const auto client = Client::connect(path, 50ms);
  ASSERT_TRUE(client);
  const auto status = (*client)->status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "GIMS_KEYD_GONE");
}

}  // namespace
}  // namespace gims::hsm

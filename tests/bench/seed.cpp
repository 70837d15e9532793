// bench_seed: fills the data folder of a server that does not run, past its HTTP, to measure it
// with much stored: accounts that are signed in (their tokens go to a file for bench_load), rooms,
// and messages, which are written in large transactions with real events.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "app/services.hpp"
#include "json/writer.hpp"
#include "matrix/auth_rules.hpp"
#include "matrix/event_builder.hpp"
#include "service/rooms/rooms.hpp"
#include "store/statements/events.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"
#include "store/statements/users.hpp"
#include "sys/atomic_file.hpp"
#include "testsite/keys.hpp"

namespace gims::bench {
namespace {

namespace sql_of = store::statements;

struct Options {
  std::string data;
  std::string server_name;
  std::string out;
  std::int64_t accounts = 1000;
  std::int64_t rooms = 0;
  std::int64_t messages = 0;
};

// Starts something that calls back on the writer's thread, and waits for it.
template <class T, class Start>
Result<T> wait(Start start) {
  std::promise<Result<T>> promise;
  auto future = promise.get_future();
  start([&promise](Result<T> outcome) { promise.set_value(std::move(outcome)); });
  return future.get();
}

template <class Work>
Result<> write(store::Store& store, Work work) {
  return wait<void>([&](auto done) { store.writer().submit(std::move(work), std::move(done)); });
}

std::string user_id(const Options& options, std::int64_t number) {
  return "@bench" + std::to_string(number) + ":" + options.server_name;
}

// Without a password, so that nobody can sign in to them.
Result<> add_accounts(app::Services& services, const Options& options) {
  const auto insert = [&options](store::Transaction& transaction) -> Result<> {
    for (std::int64_t i = 0; i < options.accounts; ++i) {
      const std::string id = user_id(options, i);
      GIMS_TRY(sql::run(transaction.sql(), sql_of::InsertUser{.user_id = id,
                                                              .password_hash = std::nullopt,
                                                              .created_ts = transaction.now_ms(),
                                                              .must_change_password = 0}));
    }
    return {};
  };
  GIMS_TRY(write(services.store(), insert));
  // From the last to the first, as the first ones get the rooms: what is measured begins with an
  // account that has none. All are asked for at once, so that they share commits; the writer's
  // queue holds some thousand.
  std::vector<std::future<Result<service::SignedIn>>> pending;
  json::Writer out;
  out.begin_object().key("accounts").begin_array();
  const auto take = [&]() -> Result<> {
    for (auto& one : pending) {
      GIMS_TRY_ASSIGN(const service::SignedIn signed_in, one.get());
      out.begin_object().member("user_id", signed_in.user_id);
      out.member("access_token", signed_in.access_token.reveal()).end_object();
    }
    pending.clear();
    return {};
  };
  for (std::int64_t i = 0; i < options.accounts; ++i) {
    auto promise = std::make_shared<std::promise<Result<service::SignedIn>>>();
    pending.push_back(promise->get_future());
    services.sessions().sign_in(
        user_id(options, options.accounts - 1 - i), {},
        [promise](auto outcome) { promise->set_value(std::move(outcome)); });
    if (pending.size() == 1024) GIMS_TRY(take());
  }
  GIMS_TRY(take());
  const std::string text = out.end_array().end_object().take();
  return sys::write_file_atomically(options.out,
                                    std::vector<std::uint8_t>(text.begin(), text.end()), 0600);
}

// The end of one room's chain of events.
struct Chain {
  std::string room_id;
  std::string sender;
  const matrix::RoomVersion* version = nullptr;
  std::int64_t nid = 0;
  std::vector<std::string> latest;  // one
  std::int64_t depth = 0;
  std::vector<std::string> auth_events;
};

Result<Chain> chain_of(sql::Connection& connection, std::string room_id, std::string sender) {
  Chain chain;
  chain.room_id = std::move(room_id);
  chain.sender = std::move(sender);
  GIMS_TRY_ASSIGN(const auto room,
                  sql::first(connection, sql_of::RoomById{.room_id = chain.room_id}));
  if (!room) return fail(ErrorKind::internal, "SEED", "A room is not there.", chain.room_id);
  chain.nid = room->room_nid;
  chain.version = matrix::find_room_version(room->version);
  GIMS_TRY_ASSIGN(const auto last,
                  sql::first(connection, sql_of::LatestEventOfRoom{.room_nid = chain.nid}));
  chain.latest = {last->event_id};
  chain.depth = last->depth;
  for (const matrix::StateKey& key : matrix::auth_state_keys(*chain.version, "m.room.encrypted",
                                                             chain.sender, std::nullopt, {})) {
    GIMS_TRY_ASSIGN(const auto event,
                    sql::first(connection, sql_of::CurrentStateEvent{.room_nid = chain.nid,
                                                                     .type = key.type,
                                                                     .state_key = key.state_key}));
    if (event) chain.auth_events.push_back(event->event_id);
  }
  return chain;
}

Result<std::vector<Chain>> add_rooms(app::Services& services, const Options& options,
                                     const Clock& clock) {
  service::rooms::Rooms rooms(services.store(), services.policy(), clock);
  std::vector<Chain> chains;
  for (std::int64_t i = 0; i < options.rooms; ++i) {
    const std::string owner = user_id(options, i % options.accounts);
    const std::string other = user_id(options, (i + 1) % options.accounts);
    GIMS_TRY_ASSIGN(std::string room, wait<std::string>([&](auto done) {
                      rooms.create({.user_id = owner, .device_id = "SEED"},
                                   {.preset = "private_chat", .invite = {other}}, std::move(done));
                    }));
    GIMS_TRY(wait<std::string>([&](auto done) {
      rooms.set_membership({.user_id = other, .device_id = "SEED"}, service::rooms::Act::join, room,
                           other, {}, std::move(done));
    }));
    GIMS_TRY_ASSIGN(store::Reader reader, services.store().read());
    GIMS_TRY_ASSIGN(Chain chain, chain_of(reader.sql(), std::move(room), owner));
    chains.push_back(std::move(chain));
  }
  return chains;
}

Result<> add_message(store::Transaction& transaction, Chain& chain, const std::string& content) {
  GIMS_TRY_ASSIGN(const matrix::EventPtr event,
                  matrix::build_event(*chain.version, {.room_id = chain.room_id,
                                                       .type = "m.room.encrypted",
                                                       .sender = chain.sender,
                                                       .content = content,
                                                       .prev_events = chain.latest,
                                                       .auth_events = chain.auth_events,
                                                       .depth = chain.depth + 1,
                                                       .origin_server_ts = transaction.now_ms()}));
  GIMS_TRY(sql::run(transaction.sql(), sql_of::InsertEvent{.stream_id = transaction.next_position(),
                                                           .event_id = event->event_id(),
                                                           .room_nid = chain.nid,
                                                           .type = event->type(),
                                                           .state_key = std::nullopt,
                                                           .sender = event->sender(),
                                                           .depth = event->depth(),
                                                           .origin_ts = event->origin_server_ts(),
                                                           .relates_to = std::nullopt,
                                                           .rel_type = std::nullopt,
                                                           .replaces_state = std::nullopt,
                                                           .device_id = std::nullopt,
                                                           .txn_id = std::nullopt,
                                                           .pdu = {event->bytes()}}));
  chain.latest = {event->event_id()};
  ++chain.depth;
  return {};
}

Result<> add_messages(store::Store& store, std::vector<Chain>& chains, std::int64_t count) {
  constexpr std::int64_t in_one = 5000;
  const std::string content = R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":")" +
                              std::string(600, 'A') +
                              R"(","device_id":"SEED","sender_key":"k","session_id":"s"})";
  for (std::int64_t done = 0; done < count; done += in_one) {
    const auto insert = [&](store::Transaction& transaction) -> Result<> {
      for (std::int64_t i = done; i < std::min(done + in_one, count); ++i) {
        Chain& chain = chains[static_cast<std::size_t>(i) % chains.size()];
        GIMS_TRY(add_message(transaction, chain, content));
      }
      return {};
    };
    GIMS_TRY(write(store, insert));
  }
  return {};
}

Result<> seed(const Options& options) {
  GIMS_TRY_ASSIGN(auto keys, testsite::load_keys(options.data));
  const SystemClock clock;
  app::ServiceOptions service{
      .policy = service::test_site_policy(), .folder = options.data, .keys = std::move(keys)};
  service.policy.server_name = options.server_name;
  GIMS_TRY_ASSIGN(const auto services, app::Services::create(std::move(service), clock));
  const auto start = std::chrono::steady_clock::now();
  GIMS_TRY(add_accounts(*services, options));
  GIMS_TRY_ASSIGN(auto chains, add_rooms(*services, options, clock));
  GIMS_TRY(add_messages(services->store(), chains, options.messages));
  services->stop();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%lld accounts, %lld rooms, %lld messages in %.1f s\n",
              static_cast<long long>(options.accounts), static_cast<long long>(options.rooms),
              static_cast<long long>(options.messages), took.count());
  return {};
}

}  // namespace
}  // namespace gims::bench

int main(int argc, char** argv) {
  CLI::App app(
      "Fills the data folder of a server that does not run. The keys are those of the folder's "
      "file "
      "'keys' (a test site's form), which is made if it is not there.");
  gims::bench::Options options;
  app.add_option("--data", options.data, "The folder; it exists")->required();
  app.add_option("--server-name", options.server_name, "Matrix server name")->required();
  app.add_option("--out", options.out, "File for the accounts and their tokens")->required();
  app.add_option("--accounts", options.accounts)->check(CLI::Range(2, 100'000));
  auto* rooms = app.add_option("--rooms", options.rooms)->check(CLI::Range(0, 1'000'000));
  app.add_option("--messages", options.messages, "In all rooms together")
      ->check(CLI::Range(0, 1'000'000'000))
      ->needs(rooms);
  CLI11_PARSE(app, argc, argv);
  if (options.messages > 0 && options.rooms == 0) {
    std::fputs("bench_seed: messages need rooms\n", stderr);
    return 2;
  }
  const auto done = gims::bench::seed(options);
  if (done) return 0;
  std::fprintf(stderr, "bench_seed: %s %s\n", done.error().text.c_str(),
               done.error().detail.c_str());
  return 1;
}

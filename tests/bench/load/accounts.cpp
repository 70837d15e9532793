#include "bench/load/accounts.hpp"

#include <unistd.h>

#include <memory>
#include <utility>

#include "json/writer.hpp"
#include "sys/atomic_file.hpp"
#include "testsite/shared_secret.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t at_once = 4;
constexpr std::string_view secret_path = "/_synapse/admin/v1/register";
constexpr std::string_view open_path = "/_matrix/client/v3/register";
constexpr std::string_view password = "bench-0f83c1";

Account account_of(json::Value answer) {
  const auto user = answer.get("user_id").as_string();
  const auto token = answer.get("access_token").as_string();
  if (!user || !token) give_up("an account without user_id or access_token");
  return {.user_id = std::string(*user), .token = std::string(*token)};
}

void make_with_secret(Connection& connection, const std::string& name, const std::string& secret,
                      std::function<void(const Answer&)> done) {
  connection.ask("GET", secret_path, {}, {},
                 [&connection, name, secret, done = std::move(done)](const Answer& answer) {
                   if (answer.status != 200) give_up("nonce: " + std::string(answer.body));
                   const json::Document document = parsed(answer.body);
                   const std::string nonce(document.root().get("nonce").string_or(""));
                   json::Writer body;
                   body.begin_object().member("nonce", nonce).member("username", name);
                   body.member("password", password).member("admin", false);
                   body.member("mac",
                               testsite::registration_mac(secret, nonce, name, password, false));
                   body.end_object();
                   connection.ask("POST", secret_path, body.text(), {}, done);
                 });
}

void make_open(Connection& connection, const std::string& name,
               std::function<void(const Answer&)> done) {
  json::Writer body;
  body.begin_object().member("username", name).member("password", password).key("auth");
  body.begin_object().member("type", "m.login.dummy").end_object().end_object();
  connection.ask("POST", open_path, body.text(), {}, std::move(done));
}

}  // namespace

std::vector<Account> read_accounts(const std::string& file) {
  const auto bytes = sys::read_file(file, std::size_t{64} << 20U);
  if (!bytes) give_up(bytes.error().text + " " + bytes.error().detail);
  const json::Document document = parsed(std::string(bytes->begin(), bytes->end()));
  std::vector<Account> accounts;
  for (const json::Value one : document.root().get("accounts").array()) {
    accounts.push_back(account_of(one));
  }
  return accounts;
}

std::vector<Account> register_accounts(Loop& loop, const Target& target, std::size_t count,
                                       const std::string& shared_secret) {
  std::vector<Account> accounts(count);
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    connections.push_back(std::make_unique<Connection>(loop, target, i));
  }
  const std::string run = "bench" + std::to_string(::getpid()) + "-";
  for_each_index(loop, count, at_once, "registration", [&](std::size_t i, Finished finished) {
    auto done = [&accounts, i, finished = std::move(finished)](const Answer& answer) {
      if (answer.status != 200) give_up("registration: " + std::string(answer.body));
      accounts[i] = account_of(parsed(answer.body).root());
      finished();
    };
    const std::string name = run + std::to_string(i);
    if (shared_secret.empty()) {
      make_open(*connections[i], name, std::move(done));
    } else {
      make_with_secret(*connections[i], name, shared_secret, std::move(done));
    }
  });
  return accounts;
}

}  // namespace gims::bench

#include "service/push/pushers.hpp"

#include <array>
#include <optional>
#include <utility>

#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/statements/push.hpp"

namespace gims::service {
namespace {

namespace statements = store::statements;

constexpr std::size_t longest_push_key = 512;  // spec: POST /pushers/set
constexpr std::size_t longest_app_id = 64;
constexpr std::size_t longest_content = 16384;
// Each notification carries it, and the gateway takes 4 KiB (ntfy's message-size-limit).
constexpr std::size_t longest_data = 1024;
constexpr std::int64_t most_pushers = 100;  // of one account

struct Pusher {
  std::string app_id;
  std::string push_key;
  std::optional<std::string> content;  // nothing: it is to go
  bool append = false;
};

Result<> check_gateway(const Policy& policy, std::string_view url) {
  if (policy.any_push_url) {
    constexpr std::string_view path = "/_matrix/push/v1/notify";
    const std::string_view bare = url.substr(0, url.find_first_of("?#"));
    if (url.starts_with("https://") && bare.ends_with(path)) return {};
    return invalid_param("data.url must be an https address with the path " + std::string(path) +
                         ".");
  }
  if (policy.push_url.empty()) {
    return invalid_param(
        "This site has no push service, so no pusher is served: the app is told of messages while "
        "it is open.");
  }
  if (url == policy.push_url) return {};
  return invalid_param("data.url must be this site's own push service, " + policy.push_url +
                       ": the site reaches no other.");
}

// What GET /pushers gives back: what the spec names and no more.
Result<std::string> content_of(const Policy& policy, json::Value body, std::string_view app_id,
                               std::string_view push_key, std::string_view kind) {
  json::Writer out;
  out.begin_object();
  out.member("pushkey", push_key).member("kind", kind).member("app_id", app_id);
  constexpr std::array<std::string_view, 3> texts = {"app_display_name", "device_display_name",
                                                     "lang"};
  for (const std::string_view name : texts) {
    GIMS_TRY_ASSIGN(const auto text, json::required_string(body, name));
    out.member(name, text);
  }
  GIMS_TRY_ASSIGN(const auto tag, json::optional_string(body, "profile_tag"));
  if (tag) out.member("profile_tag", *tag);
  GIMS_TRY_ASSIGN(const json::Value data, json::required_object(body, "data"));
  GIMS_TRY_ASSIGN(const auto url, json::required_string(data, "url"));
  GIMS_TRY(check_gateway(policy, url));
  if (data.to_text().size() > longest_data) {
    return too_large("data of a pusher has at most 1024 bytes.");
  }
  out.member("data", data);
  out.end_object();
  if (out.text().size() > longest_content) return too_large("The pusher is too large.");
  return out.take();
}

Result<Pusher> parse(const Policy& policy, json::Value body) {
  Pusher pusher;
  GIMS_TRY_ASSIGN(pusher.app_id, json::required_string(body, "app_id"));
  GIMS_TRY_ASSIGN(pusher.push_key, json::required_string(body, "pushkey"));
  if (pusher.app_id.empty() || pusher.app_id.size() > longest_app_id) {
    return invalid_param("app_id has 1 to 64 characters.");
  }
  if (pusher.push_key.empty() || pusher.push_key.size() > longest_push_key) {
    return invalid_param("pushkey has 1 to 512 bytes.");
  }
  const json::Value kind = body.get("kind");
  if (!kind) return std::unexpected(json::missing("kind"));
  if (kind.is_null()) return pusher;
  GIMS_TRY_ASSIGN(const auto name, json::required_string(body, "kind"));
  // Mail leaves the site, which nothing here does.
  if (name != "http") return invalid_param("A pusher's kind is \"http\", or null to remove it.");
  GIMS_TRY_ASSIGN(const auto append, json::optional_bool(body, "append"));
  pusher.append = append.value_or(false);
  GIMS_TRY_ASSIGN(pusher.content, content_of(policy, body, pusher.app_id, pusher.push_key, name));
  return pusher;
}

Result<> set_in(store::Transaction& transaction, std::string_view user_id,
                std::string_view device_id, const Pusher& pusher) {
  sql::Connection& connection = transaction.sql();
  transaction.publish(store::PushersChanged{std::string(user_id)});
  if (!pusher.content) {
    return sql::run(connection,
                    statements::DropPusher{
                        .user_id = user_id, .app_id = pusher.app_id, .push_key = pusher.push_key});
  }
  GIMS_TRY_ASSIGN(const auto others, sql::first(connection, statements::CountOtherPushers{
                                                                .user_id = user_id,
                                                                .app_id = pusher.app_id,
                                                                .push_key = pusher.push_key}));
  if (others && others->pushers >= most_pushers) {
    return too_large("This account has as many pushers as it may.");
  }
  if (!pusher.append) {
    GIMS_TRY_ASSIGN(
        const auto others_of_it,
        sql::all(connection,
                 statements::DropPusherOfOthers{
                     .user_id = user_id, .app_id = pusher.app_id, .push_key = pusher.push_key}));
    for (const auto& other : others_of_it) {
      transaction.publish(store::PushersChanged{other.user_id});
    }
  }
  return sql::run(connection, statements::SetPusher{.user_id = user_id,
                                                    .app_id = pusher.app_id,
                                                    .push_key = pusher.push_key,
                                                    .device_id = device_id,
                                                    .content = {*pusher.content}});
}

}  // namespace

Result<std::string> Pushers::list(std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto reader, store_.read());
  json::Writer out;
  out.begin_object().key("pushers").begin_array();
  GIMS_TRY(sql::for_each(reader.sql(), statements::PushersOfUser{.user_id = user_id},
                         [&](const auto& row) { out.raw(row.content); }));
  out.end_array().end_object();
  return out.take();
}

void Pushers::set(std::string user_id, std::string device_id, json::Value body,
                  std::move_only_function<void(Result<>)> done) {
  auto pusher = parse(policy_, body);
  if (!pusher) return done(pass(std::move(pusher)));
  store_.writer().submit(
      [user_id = std::move(user_id), device_id = std::move(device_id),
       pusher = std::move(*pusher)](store::Transaction& transaction) {
        return set_in(transaction, user_id, device_id, pusher);
      },
      std::move(done));
}

}  // namespace gims::service

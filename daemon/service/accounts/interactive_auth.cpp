#include "service/accounts/interactive_auth.hpp"

#include <algorithm>
#include <utility>

#include "crypto/random.hpp"
#include "json/writer.hpp"

namespace gims::service {
namespace {

constexpr std::size_t most_sessions = 8192;

std::string_view name_of(AuthStage stage) {
  return stage == AuthStage::password ? "m.login.password" : "m.login.dummy";
}

Error challenge(AuthStage stage, std::string_view session, std::string_view code,
                std::string_view text) {
  json::Writer out;
  out.begin_object();
  out.key("completed").begin_array().end_array();
  out.key("flows").begin_array().begin_object();
  out.key("stages").begin_array().value(name_of(stage)).end_array();
  out.end_object().end_array();
  out.key("params").begin_object().end_object();
  out.member("session", session);
  out.end_object();
  std::string members = out.take();
  members.pop_back();
  members.erase(0, 1);
  return Error{.kind = ErrorKind::unauthenticated,
               .code = std::string(code),
               .text = std::string(text),
               .detail = {},
               .retry_after = std::nullopt,
               .extra_json = std::move(members)};
}

// The user that a password stage names, in the forms old and new clients use.
std::string_view named_user(json::Value auth) {
  const json::Value identifier = auth.get("identifier");
  if (identifier.is_object()) return identifier.get("user").string_or("");
  return auth.get("user").string_or("");
}

}  // namespace

void InteractiveAuth::check(AuthStage stage, std::string user_id, std::string_view address,
                            std::string_view operation, json::Value auth,
                            std::move_only_function<void(Result<>)> done) {
  const auto refuse = [&](std::string_view session, std::string_view code, std::string_view text) {
    done(std::unexpected(challenge(stage, session, code, text)));
  };
  const std::string_view type = auth.get("type").string_or("");
  const std::string_view given = auth.get("session").string_or("");
  if (type.empty() && given.empty()) return refuse(open(user_id, operation), "", "");
  // A stage without a session is complete in itself: it opens one and closes it again.
  if (!given.empty() && !is_open(given, user_id, operation)) {
    return refuse(open(user_id, operation), "M_UNKNOWN",
                  "This authentication session is not known or has ended. Please start again.");
  }
  std::string session = given.empty() ? open(user_id, operation) : std::string(given);
  // A session alone asks how far it has come (spec, "Fallback").
  if (type.empty()) return refuse(session, "", "");
  if (type != name_of(stage)) {
    return refuse(session, "M_UNRECOGNIZED", "This is not a stage of the authentication.");
  }
  if (stage == AuthStage::dummy) {
    close(session);
    return done({});
  }
  const std::string_view password = auth.get("password").string_or("");
  auto named = users_.full_id(named_user(auth));
  if (password.empty() || (!named_user(auth).empty() && (!named || *named != user_id))) {
    return refuse(session, "M_FORBIDDEN", "The password of this account is needed.");
  }
  password_check_.run(std::move(user_id), address, Redacted(std::string(password)),
                      [this, stage, session = std::move(session),
                       done = std::move(done)](Result<std::optional<User>> owner) mutable {
                        if (!owner) return done(pass(std::move(owner)));
                        if (!*owner) {
                          return done(std::unexpected(challenge(stage, session, "M_FORBIDDEN",
                                                                "The password is not right.")));
                        }
                        close(session);
                        done({});
                      });
}

std::string InteractiveAuth::open(std::string_view user_id, std::string_view operation) {
  const auto now = clock_.steady();
  std::string session = crypto::random_alphanumeric(24);
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= most_sessions) {
    std::erase_if(sessions_, [&](const auto& entry) { return entry.second.expires <= now; });
  }
  if (sessions_.size() >= most_sessions) {
    sessions_.erase(std::ranges::min_element(
        sessions_, {}, [](const auto& entry) { return entry.second.expires; }));
  }
  sessions_.emplace(session, Open{.user_id = std::string(user_id),
                                  .operation = std::string(operation),
                                  .expires = now + policy_.uia_life});
  return session;
}

bool InteractiveAuth::is_open(std::string_view session, std::string_view user_id,
                              std::string_view operation) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(std::string(session));
  return found != sessions_.end() && found->second.expires > clock_.steady() &&
         found->second.user_id == user_id && found->second.operation == operation;
}

void InteractiveAuth::close(const std::string& session) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(session);
}

}  // namespace gims::service

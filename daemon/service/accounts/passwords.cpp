#include "service/accounts/passwords.hpp"

#include <utility>

#include "crypto/password.hpp"
#include "crypto/sealed.hpp"

namespace gims::service {
namespace {

// Argon2id reads all of it; a longer one is a way to keep our processors busy.
constexpr std::size_t longest_password = 512;

std::string seal_context(std::string_view user_id) {
  return "users.password_hash:" + std::string(user_id);
}

Error queue_full() {
  return Error{.kind = ErrorKind::rate_limited,
               .code = "M_LIMIT_EXCEEDED",
               .text = "Too many people are signing in at this moment. Please try again.",
               .detail = "the password queue is full",
               .retry_after = std::chrono::seconds(2),
               .extra_json = {}};
}

Error no_more() {
  return Error{.kind = ErrorKind::unavailable,
               .code = "M_UNKNOWN",
               .text = "The server is stopping. Try again shortly.",
               .detail = "the passwords' threads are stopped",
               .retry_after = std::nullopt,
               .extra_json = {}};
}

}  // namespace

Passwords::Passwords(Keys keys, PasswordCost cost, unsigned threads, std::size_t queue)
    : keys_(std::move(keys)), cost_(cost), queue_limit_(queue) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Passwords::~Passwords() { stop(); }

void Passwords::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ready_.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Passwords::enqueue(std::move_only_function<void()> job,
                        std::move_only_function<void(Error)> refused) {
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
    if (!stopping && jobs_.size() < queue_limit_) {
      jobs_.push_back(std::move(job));
      ready_.notify_one();
      return;
    }
  }
  refused(stopping ? no_more() : queue_full());
}

// What is queued at the end is still done: somebody waits for each answer.
void Passwords::work() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::move_only_function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

void Passwords::hash(std::string user_id, Redacted password,
                     std::move_only_function<void(Result<std::string>)> done) {
  auto shared = std::make_shared<decltype(done)>(std::move(done));
  enqueue([this, user_id = std::move(user_id), password = std::move(password),
           shared] { (*shared)(hash_now(user_id, password)); },
          [shared](Error error) { (*shared)(std::unexpected(std::move(error))); });
}

void Passwords::verify(std::string user_id, Redacted password, std::optional<std::string> stored,
                       std::move_only_function<void(Result<bool>)> done) {
  auto shared = std::make_shared<decltype(done)>(std::move(done));
  enqueue(
      [this, user_id = std::move(user_id), password = std::move(password),
       stored = std::move(stored), shared] { (*shared)(verify_now(user_id, password, stored)); },
      [shared](Error error) { (*shared)(std::unexpected(std::move(error))); });
}

Result<std::string> Passwords::hash_now(std::string_view user_id, const Redacted& password) {
  GIMS_TRY_ASSIGN(std::string encoded,
                  crypto::hash_password(password, keys_.pepper,
                                        {.passes = cost_.passes, .memory_bytes = cost_.memory}));
  const std::string context = seal_context(user_id);
  return std::string(crypto::as_text(
      crypto::seal(keys_.data, crypto::as_bytes(context), crypto::as_bytes(encoded))));
}

Result<bool> Passwords::verify_now(std::string_view user_id, const Redacted& password,
                                   const std::optional<std::string>& stored) {
  if (password.reveal().size() > longest_password) return false;
  if (!stored) {
    GIMS_TRY(hash_now(user_id, password));
    return false;
  }
  const std::string context = seal_context(user_id);
  GIMS_TRY_ASSIGN(const crypto::Bytes encoded,
                  crypto::open(keys_.data, crypto::as_bytes(context), crypto::as_bytes(*stored)));
  return crypto::password_fits(password, keys_.pepper, crypto::as_text(encoded));
}

Result<> Passwords::check_strength(std::string_view password, std::size_t shortest) {
  // Code points, not bytes: a Devanagari letter is three bytes and one letter.
  std::size_t letters = 0;
  for (const char c : password) letters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  if (letters < shortest) {
    return fail(ErrorKind::bad_input, "M_WEAK_PASSWORD",
                "The password is too short: it needs at least " + std::to_string(shortest) +
                    " characters.");
  }
  if (password.size() > longest_password) {
    return fail(
        ErrorKind::bad_input, "M_INVALID_PARAM",
        "The password is too long: at most " + std::to_string(longest_password) + " bytes.");
  }
  return {};
}

}  // namespace gims::service

#include "service/audit_log.hpp"

#include <memory>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "crypto/bytes.hpp"
#include "service/errors.hpp"
#include "store/statements/audit.hpp"
#include "sys/atomic_file.hpp"

namespace gims::service {
namespace {

constexpr std::size_t most_jobs = 16;
constexpr std::size_t longest_certificate = std::size_t{16} * 1024;

}  // namespace

std::string_view name_of(AuditStanding standing) noexcept {
  switch (standing) {
    case AuditStanding::unwitnessed:
      return "unwitnessed";
    case AuditStanding::not_compared:
      return "not_compared";
    case AuditStanding::agrees:
      return "agrees";
    case AuditStanding::broken:
      return "broken";
  }
  return "broken";
}

AuditLog::AuditLog(AuditWitness* witness, std::chrono::milliseconds pause) noexcept
    : witness_(witness),
      pause_(pause),
      standing_(witness == nullptr ? AuditStanding::unwitnessed : AuditStanding::not_compared) {}

AuditLog::~AuditLog() { stop(); }

void AuditLog::keep_certificate(std::string file, std::chrono::milliseconds pause) noexcept {
  certificate_file_ = std::move(file);
  certify_pause_ = pause;
}

Result<> AuditLog::attach(store::Store& store) {
  store_ = &store;
  {
    GIMS_TRY_ASSIGN(store::Reader reader, store.read());
    GIMS_TRY_ASSIGN(newest_, store::audit_head(reader.sql()));
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void AuditLog::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  there_is_work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AuditLog::committed(store::StreamId, std::span<const store::Change> changes) noexcept {
  const store::AuditAppended* last = nullptr;
  for (const store::Change& change : changes) {
    if (const auto* appended = std::get_if<store::AuditAppended>(&change)) last = appended;
  }
  if (last == nullptr) return;
  {
    const std::scoped_lock lock(mutex_);
    newest_ = {.sequence = last->sequence, .hash = last->hash};
  }
  there_is_work_.notify_all();
}

// With the lock held: whether the witness has to be asked or told something.
bool AuditLog::owes() const noexcept {
  return standing_ == AuditStanding::not_compared ||
         (standing_ == AuditStanding::agrees && newest_ != witnessed_);
}

// With the lock held: whether the newest entry is the witness's and has no certificate.
bool AuditLog::owes_certificate() const noexcept {
  return !certificate_file_.empty() && standing_ == AuditStanding::agrees &&
         newest_ == witnessed_ && newest_.sequence > certified_;
}

void AuditLog::run() {
  name_this_thread("audit");
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!jobs_.empty()) {
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      const bool ending = stopping_;
      lock.unlock();
      job(ending);
      lock.lock();
    } else if (stopping_) {
      // A log that was never compared is compared at the next start.
      if (standing_ == AuditStanding::agrees && owes()) settle(lock);
      if (owes_certificate()) certify(lock);
      return;
    } else if (owes() && std::chrono::steady_clock::now() >= not_before_) {
      settle(lock);
    } else if (owes()) {
      there_is_work_.wait_until(lock, not_before_);
    } else if (owes_certificate() && std::chrono::steady_clock::now() >= certify_not_before_) {
      certify(lock);
    } else if (owes_certificate()) {
      there_is_work_.wait_until(lock, certify_not_before_);
    } else {
      there_is_work_.wait(lock);
    }
  }
}

// One try of what is owed. The lock is given up meanwhile.
void AuditLog::settle(std::unique_lock<std::mutex>& lock) {
  const bool compare = standing_ == AuditStanding::not_compared;
  const store::AuditHead head = newest_;
  lock.unlock();
  const Result<> done = compare ? compare_with_witness() : send(head);
  lock.lock();
  if (!done && !failing_) {
    log::failure(log::id::audit_witness_away,
                 "gims-keyd cannot witness the audit log now; it is tried again", done.error());
  } else if (done && failing_) {
    log::info(log::id::audit_witness_back, "gims-keyd witnesses the audit log again");
  }
  failing_ = !done;
  if (!done) not_before_ = std::chrono::steady_clock::now() + pause_;
}

// One try to have the newest entry certified. The lock is given up meanwhile.
void AuditLog::certify(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const Result<std::int64_t> certified = store_certificate();
  lock.lock();
  if (certified) certified_ = *certified;
  if (!certified && !certifying_fails_) {
    log::failure(log::id::audit_not_certified, "the audit log's newest entry is not certified",
                 certified.error());
  }
  certifying_fails_ = !certified;
  certify_not_before_ = std::chrono::steady_clock::now() + certify_pause_;
}

Result<std::int64_t> AuditLog::store_certificate() {
  GIMS_TRY_ASSIGN(const AuditWitness::Certificate made, witness_->certify());
  GIMS_TRY(sys::write_file_atomically(certificate_file_, crypto::as_bytes(made.json), 0600));
  return made.sequence;
}

Result<std::optional<std::string>> AuditLog::certificate() const {
  if (certificate_file_.empty()) return std::nullopt;
  const auto file = sys::read_file(certificate_file_, longest_certificate);
  if (file) return std::string(crypto::as_text(*file));
  if (file.error().code == "ENOENT") return std::nullopt;
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The certificate of the audit log cannot be read.", file.error().detail);
}

Result<> AuditLog::compare_with_witness() {
  GIMS_TRY(verify_now());
  return {};
}

Result<> AuditLog::send(const store::AuditHead& head) {
  Result<> sent = witness_->extend(head);
  if (!sent && sent.error().kind == ErrorKind::conflict) {
    found_broken(sent.error().text);
    return {};
  }
  GIMS_TRY(std::move(sent));
  const std::scoped_lock lock(mutex_);
  witnessed_ = head;
  return {};
}

void AuditLog::found_broken(std::string text) {
  const std::scoped_lock lock(mutex_);
  if (standing_ != AuditStanding::broken || text_ != text) {
    log::error(log::id::audit_log_broken, "AUDIT LOG: its tail is missing or it was changed",
               {{"DETAIL", text}});
  }
  standing_ = AuditStanding::broken;
  text_ = std::move(text);
}

Result<AuditVerified> AuditLog::verify_now() {
  // The witness first: the log may grow meanwhile, and then still has what the witness has.
  std::optional<store::AuditHead> expected;
  if (witness_ != nullptr) {
    GIMS_TRY_ASSIGN(expected, witness_->head());
  }
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  GIMS_TRY_ASSIGN(const store::AuditVerdict verdict, store::verify_audit(reader.sql(), expected));
  AuditVerified verified{.intact = !verdict.fault,
                         .witnessed = expected.has_value(),
                         .sequence = verdict.head.sequence,
                         .text = store::describe(verdict)};
  if (verdict.fault) {
    found_broken(verified.text);
  } else {
    const std::scoped_lock lock(mutex_);
    // A log that was found broken once stays so until a restart looks at it anew.
    if (standing_ == AuditStanding::not_compared) standing_ = AuditStanding::agrees;
    if (expected && !witnessed_) witnessed_ = expected;
    if (newest_.sequence < verdict.head.sequence) newest_ = verdict.head;
  }
  return verified;
}

void AuditLog::enqueue(Job job, std::move_only_function<void(Error)> refused) {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_ && jobs_.size() < most_jobs) {
      jobs_.push_back(std::move(job));
      refused = nullptr;
    }
  }
  if (refused) {
    refused({.kind = ErrorKind::unavailable,
             .code = "M_UNKNOWN",
             .text = "The server is busy with the audit log. Try again shortly.",
             .detail = {},
             .retry_after = std::nullopt,
             .extra_json = {}});
  } else {
    there_is_work_.notify_all();
  }
}

void AuditLog::verify(std::move_only_function<void(Result<AuditVerified>)> done) {
  auto answer = std::make_shared<decltype(done)>(std::move(done));
  enqueue(
      [this, answer](bool ending) {
        (*answer)(ending ? Result<AuditVerified>(stopping()) : verify_now());
      },
      [answer](Error error) { (*answer)(std::unexpected(std::move(error))); });
}

void AuditLog::ask_witness(std::move_only_function<void(Result<std::string>)> done) {
  if (witness_ == nullptr) return done("none");
  auto answer = std::make_shared<decltype(done)>(std::move(done));
  enqueue(
      [this, answer](bool ending) {
        (*answer)(ending ? Result<std::string>(stopping()) : witness_->state());
      },
      [answer](Error error) { (*answer)(std::unexpected(std::move(error))); });
}

AuditState AuditLog::state() const {
  const std::scoped_lock lock(mutex_);
  AuditState state{.standing = standing_, .sequence = newest_.sequence};
  if (witnessed_) state.witnessed = witnessed_->sequence;
  switch (standing_) {
    case AuditStanding::unwitnessed:
      state.text = "not witnessed: this site has no gims-keyd";
      break;
    case AuditStanding::not_compared:
      state.text = "not compared with gims-keyd yet";
      break;
    case AuditStanding::agrees:
      state.text = newest_ == witnessed_ ? "whole, and gims-keyd has its newest entry"
                   : failing_            ? "whole; gims-keyd cannot take its newest entries now"
                                         : "whole; its newest entry is on its way to gims-keyd";
      break;
    case AuditStanding::broken:
      state.text = "tail missing or changed: " + text_;
      break;
  }
  return state;
}

Result<std::vector<AuditEntry>> AuditLog::page(std::int64_t after, std::int64_t limit) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  std::vector<AuditEntry> entries;
  GIMS_TRY(sql::for_each(reader.sql(),
                         store::statements::AuditEntries{.after = after, .most = limit},
                         [&](const auto& row) {
                           entries.push_back({.sequence = row.sequence,
                                              .ts = row.ts,
                                              .actor = std::string(row.actor),
                                              .origin = std::string(row.origin),
                                              .act = std::string(row.act),
                                              .target = std::string(row.target),
                                              .detail = std::string(row.detail),
                                              .hash = crypto::hex(crypto::as_bytes(row.hash))});
                         }));
  return entries;
}

}  // namespace gims::service

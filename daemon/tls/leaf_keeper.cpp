#include "tls/leaf_keeper.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace gims::tls {
namespace {

// The wall clock may be set at any time: look at it again after this.
constexpr std::chrono::milliseconds longest_wait{60'000};

}  // namespace

Result<> LeafKeeper::renew() {
  GIMS_TRY_ASSIGN(const Leaf leaf, source_.obtain());
  const Millis now = clock_.now_ms();
  if (leaf.not_after <= now) {
    return fail(ErrorKind::unavailable, "GIMS_TLS_LEAF", "The certificate has expired already.");
  }
  GIMS_TRY_ASSIGN(auto context, ServerContext::create(leaf, tickets_));
  // A leaf is dated back for clocks that are slow; half of what is left counts.
  const Millis begin = std::max(leaf.not_before, now);
  renew_at_ = begin + (leaf.not_after - begin) / 2;
  const std::scoped_lock lock(mutex_);
  context_ = std::move(context);
  not_before_ = leaf.not_before;
  return {};
}

Result<> LeafKeeper::obtain_first() {
  GIMS_TRY_ASSIGN(tickets_, TicketKeys::create());
  return renew();
}

std::shared_ptr<const ServerContext> LeafKeeper::unexpired(Millis now) const {
  const std::scoped_lock lock(mutex_);
  if (!context_ || context_->not_after() <= now) return nullptr;
  return context_;
}

std::shared_ptr<const ServerContext> LeafKeeper::current() const {
  const Millis now = clock_.now_ms();
  auto context = unexpired(now);
  bool left = false;
  {
    const std::scoped_lock lock(mutex_);
    left = context_ && (!context || now < not_before_);
  }
  if (left && at_clock_jump_) at_clock_jump_();
  return context;
}

std::chrono::milliseconds LeafKeeper::tick() {
  // Only this thread changes not_before_.
  const Millis now = clock_.now_ms();
  if (now < renew_at_ && now >= not_before_) {
    return std::min(longest_wait, std::chrono::milliseconds(renew_at_ - now));
  }
  const auto steady = clock_.steady();
  if (steady < not_before_retry_) {
    return std::min(longest_wait,
                    std::chrono::ceil<std::chrono::milliseconds>(not_before_retry_ - steady));
  }
  const auto old = unexpired(now);
  if (const auto renewed = renew(); renewed) {
    retry_ = {};
    not_before_retry_ = {};
    // Whoever signs has another clock.
    if (now < not_before_) not_before_retry_ = steady + last_retry;
    if (old && old->not_after() == context_->not_after()) {
      // A file may still hold the same certificate: no reason to read it again at once, or to tell.
      not_before_retry_ = steady + last_retry;
      return longest_wait;
    }
    log::info(log::id::certificate_renewed, "The TLS certificate was renewed.");
    return std::chrono::milliseconds(0);
  } else {
    retry_ = std::clamp<std::chrono::milliseconds>(retry_ * 2, first_retry, last_retry);
    not_before_retry_ = steady + retry_;
    if (unexpired(now)) {
      log::failure(log::id::certificate_not_renewed,
                   "The TLS certificate was not renewed; the old one is used on.", renewed.error());
    } else {
      log::failure(log::id::certificate_expired,
                   "The TLS certificate has expired and was not renewed; handshakes are refused.",
                   renewed.error());
    }
  }
  return std::min(longest_wait, retry_);
}

}  // namespace gims::tls

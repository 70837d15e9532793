#include "hsm/core/ceremony.hpp"

#include <sodium.h>

#include <utility>

#include "base/check.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm {
namespace {

// The secret is 32 random bytes, which no number of iterations makes harder to guess.
constexpr std::uint8_t iteration_exponent = 0;

std::unexpected<Error> not_now(std::string_view text) {
  return fail(ErrorKind::conflict, "GIMS_KEYD_CEREMONY", text);
}
std::unexpected<Error> not_this_share(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_SHARE", text);
}

// What slip39 says of shares, in the codes of this protocol.
template <class T>
Result<T> of_share(Result<T> result) {
  if (!result && result.error().code.starts_with("GIMS_SLIP39_")) {
    result.error().code = "GIMS_KEYD_SHARE";
  }
  return result;
}

slip39::Scheme scheme_of(const ShareScheme& asked) {
  slip39::Scheme scheme;
  scheme.group_threshold = asked.group_threshold;
  scheme.iteration_exponent = iteration_exponent;
  for (const ShareGroup& group : asked.groups) {
    scheme.groups.push_back({.threshold = group.threshold, .count = group.count});
  }
  return scheme;
}

CeremonyReply::Taken taken_of(slip39::Collector::Taken taken) {
  switch (taken) {
    case slip39::Collector::Taken::accepted:
      return CeremonyReply::Taken::accepted;
    case slip39::Collector::Taken::duplicate:
      return CeremonyReply::Taken::duplicate;
    case slip39::Collector::Taken::surplus:
      return CeremonyReply::Taken::surplus;
  }
  return CeremonyReply::Taken::nothing;
}

}  // namespace

Result<Ceremony> Ceremony::begin(CeremonyRequest request, std::optional<RecoveryRecord> record) {
  GIMS_CHECK(record.has_value() == (request.kind != CeremonyKind::provision));
  std::uint64_t id = 0;
  randombytes_buf(&id, sizeof id);
  Ceremony ceremony(std::move(request), std::move(record), id);
  if (ceremony.makes_shares()) {
    // Also where they are made later, so that a scheme that cannot be is told at once.
    GIMS_TRY(ceremony.make_shares());
  }
  return ceremony;
}

Result<> Ceremony::make_shares() {
  if (request_.dev_recovery_secret.empty()) {
    GIMS_TRY_ASSIGN(new_secret_, SecretBytes::random(recovery_secret_size));
  } else {
    GIMS_TRY_ASSIGN(new_secret_, request_.dev_recovery_secret.clone());
  }
  auto groups = slip39::split(new_secret_, SecretBytes(), scheme_of(request_.scheme));
  if (!groups) {
    if (groups.error().code == "GIMS_SLIP39_SCHEME") groups.error().code = "GIMS_KEYD_REQUEST";
    return pass(std::move(groups));
  }
  GIMS_TRY_ASSIGN(const slip39::Share first, slip39::decode(groups->front().front().reveal()));
  new_set_ = first.set.identifier;
  for (auto& group : *groups) {
    shares_.emplace_back();
    for (slip39::Mnemonic& words : group) shares_.back().push_back({.words = std::move(words)});
  }
  return {};
}

CeremonyStage Ceremony::stage() const {
  if (record_ && !envelope_) return CeremonyStage::gather;
  if (makes_shares() && handed_out() < new_shares()) return CeremonyStage::hand_out;
  return CeremonyStage::ready;
}

Result<CeremonyReply> Ceremony::give(BytesView words) {
  if (!record_) return not_now("This ceremony asks for no shares.");
  if (envelope_) return not_now("The quorum is complete: no more shares are needed.");
  GIMS_TRY_ASSIGN(const slip39::Share share, of_share(slip39::decode(text_of(words))));
  if (share.set.identifier != record_->share_set) {
    return not_this_share(
        "This share is of another set than those of the recovery file, which are of "
        "generation " +
        std::to_string(record_->generation) + " of " + record_->site.server_name + ".");
  }
  GIMS_TRY_ASSIGN(const auto taken, of_share(collector_.add(text_of(words))));
  if (collector_.complete()) {
    if (auto opened = open_record(); !opened) {
      collector_ = slip39::Collector();
      opened.error().text += " All shares have to be given anew.";
      return pass(std::move(opened));
    }
  }
  CeremonyReply reply = where();
  reply.taken = taken_of(taken);
  return reply;
}

Result<> Ceremony::open_record() {
  GIMS_TRY_ASSIGN(SecretBytes secret, of_share(collector_.done(SecretBytes())));
  GIMS_TRY_ASSIGN(Envelope envelope, open_recovery(*record_, secret));
  given_secret_ = std::move(secret);
  envelope_ = std::move(envelope);
  return {};
}

Result<Ceremony::NewShare*> Ceremony::find(const ShareRequest& which) {
  if (stage() == CeremonyStage::gather) {
    return not_now("New shares are shown once the quorum of the present ones is complete.");
  }
  if (which.group >= shares_.size() || which.member >= shares_[which.group].size()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", "There is no such new share.");
  }
  return &shares_[which.group][which.member];
}

Result<std::string_view> Ceremony::show(const ShareRequest& which) {
  GIMS_TRY_ASSIGN(NewShare* const share, find(which));
  share->shown = true;
  return share->words.reveal();
}

Result<CeremonyReply> Ceremony::confirm(const ConfirmRequest& typed) {
  GIMS_TRY_ASSIGN(NewShare* const share, find(typed.which));
  if (!share->shown) return not_now("This share was not shown yet.");
  GIMS_TRY_ASSIGN(const slip39::Share again, of_share(slip39::decode(text_of(typed.words))));
  GIMS_TRY_ASSIGN(const slip39::Share shown, slip39::decode(share->words.reveal()));
  if (!slip39::same_share(again, shown)) {
    return not_this_share("This is a share, and not the one that was shown.");
  }
  share->confirmed = true;
  return where();
}

std::uint16_t Ceremony::handed_out() const {
  std::uint16_t done = 0;
  for (const auto& group : shares_) {
    for (const NewShare& share : group) {
      if (request_.confirm ? share.confirmed : share.shown) ++done;
    }
  }
  return done;
}

std::uint16_t Ceremony::new_shares() const {
  std::size_t all = 0;
  for (const auto& group : shares_) all += group.size();
  return static_cast<std::uint16_t>(all);
}

CeremonyReply Ceremony::where() const {
  CeremonyReply reply;
  reply.id = id_;
  reply.kind = request_.kind;
  reply.stage = stage();
  if (record_) reply.generation = record_->generation;
  const auto progress = collector_.progress();
  reply.groups_needed = progress.groups_needed;
  for (const auto& group : progress.groups) {
    reply.groups.push_back(
        {.group = group.group, .threshold = group.threshold, .given = group.given});
  }
  if (makes_shares()) reply.hands_out = request_.scheme;
  reply.handed_out = handed_out();
  return reply;
}

const Envelope& Ceremony::envelope() const {
  GIMS_CHECK(envelope_.has_value());
  return *envelope_;
}

}  // namespace gims::hsm

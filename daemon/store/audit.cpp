#include "store/audit.hpp"

#include <algorithm>

#include "crypto/audit_chain.hpp"
#include "json/canonical.hpp"
#include "json/value.hpp"
#include "store/statements/audit.hpp"

namespace gims::store {
namespace {

constexpr std::int64_t page = 500;  // entries read at once

crypto::Digest hash_of(const crypto::Digest& before, std::int64_t sequence, Millis ts,
                       const AuditAct& act) {
  return crypto::audit_hash(before, {.sequence = sequence,
                                     .ts = ts,
                                     .actor = act.actor,
                                     .origin = act.origin,
                                     .act = act.act,
                                     .target = act.target,
                                     .detail = act.detail});
}

// Zeros stand for a hash of another length, which no entry has.
crypto::Digest digest_of(std::string_view stored) {
  crypto::Digest digest{};
  if (stored.size() == digest.size()) std::ranges::copy(crypto::as_bytes(stored), digest.begin());
  return digest;
}

// One step along the chain.
std::optional<AuditFault> follow(AuditHead& head, const statements::AuditEntries::Row& entry) {
  if (entry.sequence != head.sequence + 1) return AuditFault::removed;
  const crypto::Digest hash = hash_of(head.hash, entry.sequence, entry.ts,
                                      {.actor = entry.actor,
                                       .origin = entry.origin,
                                       .act = entry.act,
                                       .target = entry.target,
                                       .detail = entry.detail});
  if (entry.hash != crypto::as_text(hash)) return AuditFault::changed;
  head = {.sequence = entry.sequence, .hash = hash};
  return std::nullopt;
}

}  // namespace

Result<AuditHead> audit_head(sql::Connection& connection) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(connection, statements::AuditHead{}));
  if (!row) return AuditHead{};
  return AuditHead{.sequence = row->sequence, .hash = digest_of(row->hash)};
}

Result<> append_audit(Transaction& transaction, const AuditAct& act) {
  GIMS_TRY_ASSIGN(const auto detail, json::Document::parse(act.detail));
  GIMS_TRY_ASSIGN(const std::string canonical, json::canonical(detail.root()));
  AuditAct stored = act;
  stored.detail = canonical;
  GIMS_TRY_ASSIGN(const AuditHead head, audit_head(transaction.sql()));
  const std::int64_t sequence = head.sequence + 1;
  const Millis now = transaction.now_ms();
  const crypto::Digest hash = hash_of(head.hash, sequence, now, stored);
  GIMS_TRY(sql::run(transaction.sql(), statements::AppendAudit{.sequence = sequence,
                                                               .ts = now,
                                                               .actor = stored.actor,
                                                               .origin = stored.origin,
                                                               .act = stored.act,
                                                               .target = stored.target,
                                                               .detail = stored.detail,
                                                               .hash = {crypto::as_text(hash)}}));
  transaction.publish(AuditAppended{.sequence = sequence, .hash = hash});
  return {};
}

Result<AuditVerdict> verify_audit(sql::Connection& connection,
                                  const std::optional<AuditHead>& expected) {
  AuditVerdict verdict;
  bool met = !expected || *expected == AuditHead{};
  for (;;) {
    GIMS_TRY_ASSIGN(const auto entries,
                    sql::all(connection, statements::AuditEntries{.after = verdict.head.sequence,
                                                                  .most = page}));
    for (const auto& entry : entries) {
      verdict.fault = follow(verdict.head, entry);
      if (verdict.fault) {
        verdict.sequence = verdict.head.sequence + 1;
        return verdict;
      }
      met = met || verdict.head == *expected;
    }
    if (entries.size() < static_cast<std::size_t>(page)) break;
  }
  if (!met) {
    const bool shorter = verdict.head.sequence < expected->sequence;
    verdict.fault = shorter ? AuditFault::cut_off : AuditFault::replaced;
    verdict.sequence = shorter ? verdict.head.sequence + 1 : expected->sequence;
  }
  return verdict;
}

std::string describe(const AuditVerdict& verdict) {
  const std::string number = std::to_string(verdict.sequence);
  if (!verdict.fault) {
    return "the audit log is whole: " + std::to_string(verdict.head.sequence) + " entries";
  }
  switch (*verdict.fault) {
    case AuditFault::changed:
      return "entry " + number + " of the audit log, or the one before it, was changed";
    case AuditFault::removed:
      return "entry " + number + " of the audit log was removed";
    case AuditFault::cut_off:
      return "the audit log was cut off: entry " + number + " and those after it are missing";
    case AuditFault::replaced:
      return "the audit log was written anew: entry " + number +
             " is not the one that was certified";
  }
  return {};
}

}  // namespace gims::store

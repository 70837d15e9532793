#include "service/sync/key_counts.hpp"

#include <utility>

#include "json/writer.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {

namespace statements = store::statements;

Result<std::shared_ptr<const std::string>> read_key_counts(Feed& feed, Reads& reads,
                                                           const std::string& user_id,
                                                           const std::string& device_id,
                                                           std::uint64_t generation) {
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  json::Writer out;
  out.begin_object();
  // A client that sees no signed_curve25519 at all may take it for "not told".
  bool has_signed = false;
  GIMS_TRY(sql::for_each(*connection,
                         statements::SyncKeyCounts{.user_id = user_id, .device_id = device_id},
                         [&](const auto& row) {
                           has_signed = has_signed || row.algorithm == "signed_curve25519";
                           out.member(row.algorithm, row.keys);
                         }));
  if (!has_signed) out.member("signed_curve25519", 0);
  out.end_object();
  std::string counts = "\"device_one_time_keys_count\":" + out.take();
  json::Writer fallback;
  fallback.begin_array();
  GIMS_TRY(sql::for_each(
      *connection, statements::SyncUnusedFallbackKeys{.user_id = user_id, .device_id = device_id},
      [&](const auto& row) { fallback.value(row.algorithm); }));
  fallback.end_array();
  counts += ",\"device_unused_fallback_key_types\":" + fallback.take();
  auto shared = std::make_shared<const std::string>(std::move(counts));
  feed.remember_key_counts(user_id, device_id, generation, shared);
  return shared;
}

}  // namespace gims::service::sync

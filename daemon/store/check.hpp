// What a database can be checked for beyond the form of its file: whether what is in it is what was
// put there, as far as it says so itself. An event says it by its hashes, an audit entry by the
// chain; rows that belong together by naming each other; what clients stored by being JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sql/connection.hpp"

namespace gims::store {

class Store;

struct CheckProgress {
  std::string_view step;  // "events"; for a person
  std::int64_t done = 0;
  std::int64_t of = 0;  // 0: not known
};
// Told now and then; false: the check ends as `unavailable`.
using CheckTell = std::function<bool(const CheckProgress&)>;

// Lines for an administrator. A file that is damaged everywhere makes no more than these.
inline constexpr std::size_t most_faults = 20;
using Faults = std::vector<std::string>;

// Damage that keeps a step's rows from being read is a fault that was found, no failure of the
// check. What ended since it was told to stop is passed on.
[[nodiscard]] Result<> noted(Result<> read, std::string_view step, Faults& faults);

// Rows of different tables against each other and the audit log; `full`: every event and everything
// that is JSON, too. Reads in pieces, each of a snapshot of its own, so that the log of the
// database can be emptied meanwhile. Any thread.
[[nodiscard]] Result<> check_contents(Store& store, bool full, const CheckTell& tell,
                                      Faults& faults);

// What whoever starts the server reads of a damaged database.
[[nodiscard]] Error damaged(std::string_view detail);

// At start, in milliseconds whatever the size of the data: both ends of each table can be read, and
// no row is newer than the stream's position. Fails with damaged(), or as the disk does.
[[nodiscard]] Result<> check_ends(sql::Connection& connection, std::int64_t position);

}  // namespace gims::store

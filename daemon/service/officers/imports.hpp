// Officers from a file: looked at first, then made. What was looked at is kept in memory for a
// while. All officers of a file are there at once, or none: they are stored in small operations, as
// accounts that are not there yet, and the last operation makes them be there, with the entry of
// the audit log. What a stop of the server left half done is taken out again. A file has one id,
// made of what is in it, and is imported once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/officers/import_rows.hpp"
#include "service/officers/officers.hpp"
#include "store/store.hpp"

namespace gims::service {

struct ImportPreview {
  std::string import_id;
  Millis expires_ts = 0;
  std::vector<std::string> columns;
  std::int64_t rows = 0;
  std::int64_t bad = 0;
};

struct ImportDone {
  std::int64_t made = 0;
  std::vector<ImportError> errors;  // of rows that were left out
};

// Thread: any, but as said.
class Imports {
 public:
  static constexpr std::chrono::milliseconds kept{std::chrono::minutes(30)};
  static constexpr std::size_t most_kept = 4;
  static constexpr std::size_t most_errors = 500;       // in the answer
  static constexpr std::size_t officers_at_once = 100;  // in one operation of the writer

  // All outlive this; the store stops before it goes.
  Imports(store::Store& store, Users& users, Officers& officers, const Clock& clock) noexcept
      : store_(store), users_(users), officers_(officers), clock_(clock) {}

  // Stores nothing. GIMS_IMPORT. Not on a loop's thread: it reads a row of the database for each of
  // the file's.
  [[nodiscard]] Result<ImportPreview> preview(std::string_view bytes);
  // Of one that is kept: rows after the number `after`, those with an error alone where `only_bad`.
  // GIMS_EXPIRED.
  struct Rows {
    std::vector<ImportRow> rows;
    std::optional<std::int64_t> next;
  };
  [[nodiscard]] Result<Rows> rows(const std::string& import_id, std::int64_t after, bool only_bad,
                                  std::size_t count);
  // With errors first, then the others: what a page shows at once.
  [[nodiscard]] Result<std::vector<ImportRow>> first_rows(const std::string& import_id,
                                                          std::size_t count);
  // GIMS_EXPIRED; GIMS_ROWS where rows are bad and are not to be left out; GIMS_BUSY while another
  // one runs. A second time gives what the first did. Whatever fails on the way, nothing is made.
  void commit(std::string import_id, bool skip_bad, Actor actor,
              std::move_only_function<void(Result<ImportDone>)> done);
  [[nodiscard]] Result<> discard(const std::string& import_id);

  // Maintenance: takes out what a stop left of an import, and forgets old ones. True: there is
  // more.
  [[nodiscard]] Result<bool> clean_some(store::Transaction& transaction);

 private:
  struct Kept {
    std::string import_id;
    Millis expires_ts = 0;
    std::shared_ptr<const ImportedFile> file;
  };
  class Run;
  [[nodiscard]] Result<std::shared_ptr<const ImportedFile>> find(const std::string& import_id);
  [[nodiscard]] bool begin();
  void end();

  store::Store& store_;
  Users& users_;
  Officers& officers_;
  const Clock& clock_;
  std::mutex mutex_;
  std::deque<Kept> kept_;  // the oldest first
  bool running_ = false;
};

}  // namespace gims::service

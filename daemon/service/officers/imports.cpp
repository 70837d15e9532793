#include "service/officers/imports.hpp"

#include <algorithm>
#include <utility>

#include "crypto/bytes.hpp"
#include "crypto/hash.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/profiles.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr Millis remembered = Millis{400} * 24 * 3600 * 1000;
constexpr std::int64_t removed_at_once = 100;

std::string id_of(std::string_view bytes) {
  return crypto::base64(crypto::sha256(crypto::as_bytes(bytes)), crypto::Alphabet::url_safe);
}

bool is_bad(const ImportRow& row) { return !row.errors.empty(); }

// Some of the accounts that an import did not come to make. True: there may be more.
Result<bool> remove_some(store::Transaction& transaction) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto left, sql::all(sql, sql_of::UsersOfImport{removed_at_once}));
  for (const auto& row : left) {
    GIMS_TRY(sql::run(sql, sql_of::DeleteTermsOfOfficer{row.user_id}));
    GIMS_TRY(sql::run(sql, sql_of::DeleteProfile{row.user_id}));
    GIMS_TRY(sql::run(sql, sql_of::DeleteUserOfImport{row.user_id}));
  }
  return std::cmp_equal(left.size(), removed_at_once);
}

}  // namespace

// One import, an operation of the writer after the other; each `done` submits the next. Owned by
// the callbacks.
class Imports::Run : public std::enable_shared_from_this<Run> {
 public:
  using Done = std::move_only_function<void(Result<ImportDone>)>;
  Run(Imports& owner, std::string import_id, std::shared_ptr<const ImportedFile> file, Actor actor,
      Done done)
      : owner_(owner),
        import_id_(std::move(import_id)),
        file_(std::move(file)),
        actor_(std::move(actor)),
        done_(std::move(done)) {
    for (const ImportRow& row : file_->rows) {
      if (!is_bad(row)) good_.push_back(&row);
    }
  }

  // What an earlier one left is taken out first.
  void clear() {
    submit(&remove_some, [](Run& run, bool more) { more ? run.clear() : run.go_on(); });
  }

 private:
  template <class Work, class Then>
  void submit(Work work, Then then) {
    owner_.store_.writer().submit(std::move(work), [self = shared_from_this(), then](auto outcome) {
      if (!outcome) return self->give_up(std::move(outcome).error());
      then(*self, *outcome);
    });
  }

  void go_on() {
    if (at_ == good_.size()) return finish();
    submit([self = shared_from_this()](
               store::Transaction& transaction) { return self->make_some(transaction); },
           [](Run& run, std::size_t made) {
             run.at_ += made;
             run.go_on();
           });
  }

  Result<std::size_t> make_some(store::Transaction& transaction) const {
    const std::size_t count = std::min(officers_at_once, good_.size() - at_);
    for (std::size_t i = at_; i < at_ + count; ++i) GIMS_TRY(make(transaction, *good_[i]));
    return count;
  }

  Result<> make(store::Transaction& transaction, const ImportRow& row) const {
    sql::Connection& sql = transaction.sql();
    GIMS_TRY_ASSIGN(const auto taken, sql::first(sql, sql_of::UserIsTaken{row.user_id}));
    if (taken) {
      return fail(ErrorKind::conflict, "GIMS_ROWS",
                  "Row " + std::to_string(row.row) +
                      ": an account of this name was made meanwhile. Look at the file again.");
    }
    GIMS_TRY(sql::run(sql, sql_of::InsertUserOfImport{row.user_id, transaction.now_ms()}));
    return owner_.officers_.apply(transaction, row.user_id, row.officer);
  }

  void finish() {
    submit([self = shared_from_this()](
               store::Transaction& transaction) { return self->make_them_be_there(transaction); },
           [](Run& run, std::size_t made) { run.succeed(made); });
  }

  Result<std::size_t> make_them_be_there(store::Transaction& transaction) const {
    sql::Connection& sql = transaction.sql();
    const auto made = static_cast<std::int64_t>(good_.size());
    GIMS_TRY(sql::run(sql, sql_of::UsersOfImportAreThere{}));
    GIMS_TRY(sql::run(sql, sql_of::InsertImport{import_id_, made, transaction.now_ms()}));
    json::Writer detail;
    detail.begin_object().member("left_out", file_->rows.size() - good_.size());
    detail.member("officers", made).end_object();
    GIMS_TRY(audit(transaction, actor_, "user.imported", import_id_, detail.text()));
    return good_.size();
  }

  void succeed(std::size_t made) {
    ImportDone outcome{.made = static_cast<std::int64_t>(made), .errors = {}};
    for (const ImportRow& row : file_->rows) {
      for (const ImportError& error : row.errors) {
        if (outcome.errors.size() < most_errors) outcome.errors.push_back(error);
      }
    }
    owner_.end();
    done_(std::move(outcome));
  }

  // Nothing of it stays; what cannot be taken out now is by maintenance, or before the next one.
  void give_up(Error error) {
    if (failure_) {
      owner_.end();
      return done_(std::unexpected(std::move(*failure_)));
    }
    failure_ = std::move(error);
    take_back();
  }
  void take_back() {
    submit(&remove_some, [](Run& run, bool more) {
      if (more) return run.take_back();
      run.owner_.end();
      run.done_(std::unexpected(std::move(*run.failure_)));
    });
  }

  Imports& owner_;
  std::string import_id_;
  std::shared_ptr<const ImportedFile> file_;
  Actor actor_;
  Done done_;
  std::vector<const ImportRow*> good_;
  std::size_t at_ = 0;
  std::optional<Error> failure_;
};

Result<ImportPreview> Imports::preview(std::string_view bytes) {
  ImportPreview preview{.import_id = id_of(bytes),
                        .expires_ts = clock_.now_ms() + kept.count(),
                        .columns = {},
                        .rows = 0,
                        .bad = 0};
  std::shared_ptr<const ImportedFile> file;
  {
    GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
    GIMS_TRY_ASSIGN(ImportedFile read, read_import(bytes, users_, reader.sql()));
    file = std::make_shared<const ImportedFile>(std::move(read));
  }
  preview.columns = file->columns;
  preview.rows = static_cast<std::int64_t>(file->rows.size());
  preview.bad = std::ranges::count_if(file->rows, is_bad);
  const std::scoped_lock lock(mutex_);
  std::erase_if(kept_, [&](const Kept& one) { return one.import_id == preview.import_id; });
  if (kept_.size() >= most_kept) kept_.pop_front();
  kept_.push_back(
      {.import_id = preview.import_id, .expires_ts = preview.expires_ts, .file = std::move(file)});
  return preview;
}

Result<std::shared_ptr<const ImportedFile>> Imports::find(const std::string& import_id) {
  const Millis now = clock_.now_ms();
  const std::scoped_lock lock(mutex_);
  std::erase_if(kept_, [&](const Kept& one) { return one.expires_ts <= now; });
  const auto found = std::ranges::find(kept_, import_id, &Kept::import_id);
  if (found != kept_.end()) return found->file;
  return fail(ErrorKind::not_found, "GIMS_EXPIRED",
              "What was looked at is not kept any more. Take the file again.");
}

Result<Imports::Rows> Imports::rows(const std::string& import_id, std::int64_t after, bool only_bad,
                                    std::size_t count) {
  GIMS_TRY_ASSIGN(const auto file, find(import_id));
  Rows page;
  for (const ImportRow& row : file->rows) {
    if (row.row <= after || (only_bad && !is_bad(row))) continue;
    if (page.rows.size() == count) {
      page.next = page.rows.back().row;
      break;
    }
    page.rows.push_back(row);
  }
  return page;
}

Result<std::vector<ImportRow>> Imports::first_rows(const std::string& import_id,
                                                   std::size_t count) {
  GIMS_TRY_ASSIGN(const auto file, find(import_id));
  std::vector<ImportRow> rows;
  for (const bool bad : {true, false}) {
    for (const ImportRow& row : file->rows) {
      if (rows.size() == count) return rows;
      if (is_bad(row) == bad) rows.push_back(row);
    }
  }
  return rows;
}

void Imports::commit(std::string import_id, bool skip_bad, Actor actor,
                     std::move_only_function<void(Result<ImportDone>)> done) {
  {
    auto reader = store_.read();
    if (!reader) return done(pass(std::move(reader)));
    const auto before = sql::first(reader->sql(), sql_of::ImportById{import_id});
    if (!before) return done(std::unexpected(before.error()));
    if (*before) return done(ImportDone{.made = (*before)->officers, .errors = {}});
  }
  auto file = find(import_id);
  if (!file) return done(pass(std::move(file)));
  const auto bad = std::ranges::count_if((*file)->rows, is_bad);
  if (bad > 0 && !skip_bad) {
    return done(fail(ErrorKind::conflict, "GIMS_ROWS",
                     std::to_string(bad) +
                         " rows are bad. Mend the file and take it again, or leave them out."));
  }
  if (std::cmp_equal(bad, (*file)->rows.size())) {
    return done(fail(ErrorKind::conflict, "GIMS_ROWS", "There is no row that could be made."));
  }
  if (!begin()) {
    return done(fail(ErrorKind::conflict, "GIMS_BUSY", "Another import runs. Wait for its end."));
  }
  std::make_shared<Run>(*this, std::move(import_id), std::move(*file), std::move(actor),
                        std::move(done))
      ->clear();
}

Result<> Imports::discard(const std::string& import_id) {
  GIMS_TRY(find(import_id));
  const std::scoped_lock lock(mutex_);
  std::erase_if(kept_, [&](const Kept& one) { return one.import_id == import_id; });
  return {};
}

bool Imports::begin() {
  const std::scoped_lock lock(mutex_);
  return !std::exchange(running_, true);
}

void Imports::end() {
  const std::scoped_lock lock(mutex_);
  running_ = false;
}

Result<bool> Imports::clean_some(store::Transaction& transaction) {
  {
    const std::scoped_lock lock(mutex_);
    if (running_) return false;
  }
  GIMS_TRY(sql::run(transaction.sql(), sql_of::ForgetImports{transaction.now_ms() - remembered}));
  return remove_some(transaction);
}

}  // namespace gims::service

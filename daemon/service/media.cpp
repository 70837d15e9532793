#include "service/media.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "crypto/random.hpp"
#include "service/errors.hpp"
#include "store/statements/media.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Two, so that one large file does not hold up every small one.
constexpr unsigned disk_threads = 2;
constexpr std::int64_t most_forgotten_at_once = 500;
constexpr std::chrono::milliseconds kept_after_expiry = std::chrono::hours(24);
constexpr std::int64_t promised_size = -1;
constexpr std::int64_t checked_at_once = 500;

std::unexpected<Error> no_media() { return not_found("There is no such file on this server."); }
std::unexpected<Error> quota_used_up() {
  return forbidden("Your storage on this server is full. Ask its administrator for more.");
}
std::unexpected<Error> already_there() {
  return fail(ErrorKind::conflict, "M_CANNOT_OVERWRITE_MEDIA",
              "This file has its content already; uploaded files do not change.");
}
std::unexpected<Error> busy() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "Too many files are being uploaded. Try again in a moment.");
}
std::unexpected<Error> limited(std::string_view text, std::chrono::milliseconds wait) {
  auto failed = fail(ErrorKind::rate_limited, "M_LIMIT_EXCEEDED", text);
  failed.error().retry_after = wait;
  return failed;
}

Result<std::uint64_t> stored_bytes(sql::Connection& sql, std::string_view owner) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::MediaBytesOfUser{.owner = owner}));
  return row ? static_cast<std::uint64_t>(row->bytes) : 0;
}

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

}  // namespace

// Who uploads how much at this moment, and which promises are being kept. Shared with the uploads,
// which may outlive the service in a connection that closes last.
struct MediaUpload::Running {
  std::mutex mutex;
  std::size_t all = 0;
  std::map<std::string, std::size_t, std::less<>> of_user;
  std::set<std::string, std::less<>> ids;
};

struct MediaUpload::Slot {
  std::shared_ptr<Running> running;
  std::string owner;
  std::string media_id;

  [[nodiscard]] static Result<std::unique_ptr<Slot>> take(std::shared_ptr<Running> running,
                                                          std::string owner, std::string media_id) {
    const std::lock_guard lock(running->mutex);
    if (running->ids.contains(media_id)) return already_there();
    if (running->all >= most_media_uploads) return busy();
    std::size_t& own = running->of_user[owner];
    if (own >= most_media_uploads_of_user) {
      return limited("You are uploading too many files at once. Wait until one is done.",
                     std::chrono::seconds(5));
    }
    ++own;
    ++running->all;
    running->ids.insert(media_id);
    return std::unique_ptr<Slot>(
        new Slot(std::move(running), std::move(owner), std::move(media_id)));
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    const std::lock_guard lock(running->mutex);
    --running->all;
    running->ids.erase(media_id);
    const auto own = running->of_user.find(owner);
    if (--own->second == 0) running->of_user.erase(own);
  }

 private:
  Slot(std::shared_ptr<Running> shared, std::string user, std::string id)
      : running(std::move(shared)), owner(std::move(user)), media_id(std::move(id)) {}
};

MediaUpload::~MediaUpload() = default;

Result<> MediaUpload::write(std::span<const char> piece) {
  if (piece.size() > room_) return quota_used_up();
  room_ -= piece.size();
  return file_->write(piece);
}

Media::Media(MediaOptions options, store::Store& store, const Policy& policy, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      policy_(policy),
      clock_(clock),
      running_(std::make_shared<MediaUpload::Running>()),
      waits_(clock),
      pool_(disk_threads, most_media_uploads) {}

Result<std::unique_ptr<Media>> Media::open(MediaOptions options, store::Store& store,
                                           const Policy& policy, const Clock& clock) {
  GIMS_TRY(prepare_media_folder(options.folder));
  return std::unique_ptr<Media>(new Media(std::move(options), store, policy, clock));
}

Media::~Media() { stop(); }
void Media::stop() {
  waits_.stop();
  pool_.stop();
}

std::string Media::uri_of(std::string_view media_id) const {
  return ("mxc://" + policy_.server_name + "/").append(media_id);
}

Result<std::unique_ptr<MediaUpload>> Media::start(NewMedia about, std::string media_id,
                                                  bool promised) {
  // Each would leave a file that no row names: see commit().
  if (store_.writer().read_only()) {
    return fail(ErrorKind::unavailable, "M_UNKNOWN",
                "The server cannot store anything now. Tell the administrator.",
                "the store is read-only");
  }
  std::unique_ptr<MediaUpload> upload(new MediaUpload);
  GIMS_TRY_ASSIGN(upload->slot_, MediaUpload::Slot::take(running_, about.owner, media_id));
  std::uint64_t used = 0;
  {
    GIMS_TRY_ASSIGN(auto reader, store_.read());
    GIMS_TRY_ASSIGN(used, stored_bytes(reader.sql(), about.owner));
  }
  if (used >= policy_.media_quota || about.announced > policy_.media_quota - used)
    return quota_used_up();
  GIMS_TRY_ASSIGN(const std::uint64_t left, free_bytes(options_.folder));
  if (left < policy_.media_reserve || about.announced > left - policy_.media_reserve) {
    return fail(ErrorKind::unavailable, "M_UNKNOWN",
                "The server has no room for this file. Tell its administrator.",
                "the media folder's disk is full up to the reserve");
  }
  upload->room_ = policy_.media_quota - used;
  GIMS_TRY_ASSIGN(upload->file_, MediaFileWriter::create(options_.folder, options_.key, media_id,
                                                         policy_.media_reserve));
  upload->about_ = std::move(about);
  upload->media_id_ = std::move(media_id);
  upload->promised_ = promised;
  return upload;
}

Result<std::unique_ptr<MediaUpload>> Media::begin(NewMedia about) {
  return start(std::move(about), crypto::random_media_id(), false);
}

Result<std::unique_ptr<MediaUpload>> Media::begin_promised(NewMedia about,
                                                           std::string_view server_name,
                                                           std::string_view media_id) {
  if (server_name != policy_.server_name) return no_media();
  const std::string owner = about.owner;
  std::optional<sql_of::MediaById::Row> row;
  const auto look = [&]() -> Result<> {
    GIMS_TRY_ASSIGN(auto reader, store_.read());
    GIMS_TRY_ASSIGN(row, sql::first(reader.sql(), sql_of::MediaById{.media_id = media_id}));
    if (!row) return no_media();
    if (row->owner != owner) return forbidden("This file is for another user to upload.");
    if (row->size != promised_size) return already_there();
    if (row->expires_ts.value_or(0) <= clock_.now_ms()) return no_media();
    return {};
  };
  GIMS_TRY(look());
  GIMS_TRY_ASSIGN(auto upload, start(std::move(about), std::string(media_id), true));
  // Again with the id in hand: another upload may have ended in between.
  GIMS_TRY(look());
  return upload;
}

void Media::finish(std::unique_ptr<MediaUpload> upload, Done done) {
  auto shared = std::make_shared<Done>(std::move(done));
  http::WorkerPool::Job job = [this, upload = std::move(upload), shared]() mutable {
    if (auto published = upload->file_->publish(); !published) {
      upload.reset();
      return (*shared)(std::unexpected(std::move(published).error()));
    }
    commit(std::move(upload), std::move(*shared));
  };
  if (!pool_.submit(job)) {
    job = nullptr;
    (*shared)(busy());
  }
}

Result<> Media::insert(store::Transaction& transaction, const MediaUpload& upload) const {
  const auto size = static_cast<std::int64_t>(upload.file_->size());
  const NewMedia& about = upload.about_;
  // Again, exactly: several uploads of one user may have begun with the same room left.
  GIMS_TRY_ASSIGN(const std::uint64_t used, stored_bytes(transaction.sql(), about.owner));
  if (used > policy_.media_quota || upload.file_->size() > policy_.media_quota - used) {
    return quota_used_up();
  }
  if (!upload.promised_) {
    return sql::run(transaction.sql(), sql_of::InsertMedia{.media_id = upload.media_id_,
                                                           .owner = about.owner,
                                                           .content_type = about.content_type,
                                                           .file_name = view_of(about.file_name),
                                                           .size = size,
                                                           .created_ts = transaction.now_ms(),
                                                           .expires_ts = std::nullopt});
  }
  GIMS_TRY(
      sql::run(transaction.sql(), sql_of::FillPromisedMedia{.media_id = upload.media_id_,
                                                            .owner = about.owner,
                                                            .content_type = about.content_type,
                                                            .file_name = view_of(about.file_name),
                                                            .size = size}));
  if (transaction.sql().changes() == 0) return no_media();  // forgotten while it came
  return {};
}

void Media::commit(std::unique_ptr<MediaUpload> upload, Done done) {
  std::shared_ptr<MediaUpload> shared = std::move(upload);
  store_.writer().submit(
      [this, shared](store::Transaction& transaction) { return insert(transaction, *shared); },
      [this, shared, done = std::move(done)](Result<> outcome) mutable {
        // After a failed commit nobody knows what the disk has: the row may be there, so the file
        // stays.
        if (outcome || store_.writer().read_only()) shared->file_->keep();
        const std::string uri = uri_of(shared->media_id_);
        // Not with the last owner, which the writer may still have: the file, if it is not kept,
        // and the slot are gone when `done` is told.
        shared->file_.reset();
        shared->slot_.reset();
        if (outcome) {
          if (shared->promised_) waits_.uploaded(shared->media_id_);
          done(uri);
        } else {
          done(std::unexpected(std::move(outcome).error()));
        }
      });
}

void Media::promise(std::string owner, std::move_only_function<void(Result<MediaPromise>)> done) {
  store_.writer().submit(
      [this, owner = std::move(owner)](store::Transaction& transaction) -> Result<MediaPromise> {
        const Millis now = transaction.now_ms();
        GIMS_TRY_ASSIGN(const auto row,
                        sql::first(transaction.sql(),
                                   sql_of::MediaPromisesOfUser{.owner = owner, .now_ms = now}));
        if (row && row->promises >= most_media_promises) {
          return limited("Too many of your files wait for their upload. Upload them first.",
                         std::chrono::minutes(1));
        }
        const std::string media_id = crypto::random_media_id();
        const Millis expires = now + media_promise_life.count();
        GIMS_TRY(sql::run(transaction.sql(), sql_of::InsertMedia{.media_id = media_id,
                                                                 .owner = owner,
                                                                 .content_type = "",
                                                                 .file_name = std::nullopt,
                                                                 .size = promised_size,
                                                                 .created_ts = now,
                                                                 .expires_ts = expires}));
        return MediaPromise{.uri = uri_of(media_id), .expires_ts = expires};
      },
      std::move(done));
}

Result<MediaInfo> Media::find(std::string_view server_name, std::string_view media_id) {
  if (server_name != policy_.server_name) return no_media();
  GIMS_TRY_ASSIGN(auto reader, store_.read());
  GIMS_TRY_ASSIGN(auto row, sql::first(reader.sql(), sql_of::MediaById{.media_id = media_id}));
  if (!row) return no_media();
  if (row->size == promised_size) {
    if (row->expires_ts.value_or(0) <= clock_.now_ms()) return no_media();
    return fail(ErrorKind::not_yet_uploaded, "M_NOT_YET_UPLOADED",
                "This file has not been uploaded yet. Try again later.");
  }
  return MediaInfo{.media_id = std::string(media_id),
                   .content_type = std::move(row->content_type),
                   .file_name = std::move(row->file_name),
                   .size = static_cast<std::uint64_t>(row->size)};
}

void Media::wait(const Wanted& wanted, std::chrono::milliseconds timeout,
                 const MediaWaits::Ticket& ticket, Found done) {
  waits_.add(
      ticket, wanted.user_id, wanted.media_id,
      clock_.steady() + std::min(timeout, longest_media_wait),
      [this, wanted, shared = std::make_shared<Found>(std::move(done))] { look(wanted, shared); });
  // Now that an upload would wake it: it may have ended just before.
  const auto found = find(wanted.server_name, wanted.media_id);
  if (found || found.error().kind != ErrorKind::not_yet_uploaded) {
    waits_.uploaded(wanted.media_id);
  }
}

void Media::look(const Wanted& wanted, const std::shared_ptr<Found>& done) {
  http::WorkerPool::Job job = [this, wanted, done] {
    (*done)(find(wanted.server_name, wanted.media_id));
  };
  if (!pool_.submit(job)) (*done)(busy());
}

Result<std::unique_ptr<http::BodySource>> Media::read(const MediaInfo& info, std::uint64_t first,
                                                      std::uint64_t length) {
  return MediaFileReader::open(options_.folder, options_.key, info.media_id, info.size, first,
                               length);
}

void Media::sweep(std::move_only_function<void(Result<std::size_t>)> done) {
  auto begun =
      MediaSweep::begin(options_.folder, store_, [running = running_](std::string_view id) {
        const std::lock_guard lock(running->mutex);
        return running->ids.contains(id);
      });
  if (!begun) return done(std::unexpected(std::move(begun).error()));
  sweep_on(std::make_shared<MediaSweep>(std::move(*begun)),
           std::make_shared<decltype(done)>(std::move(done)));
}

void Media::sweep_on(
    const std::shared_ptr<MediaSweep>& sweep,
    const std::shared_ptr<std::move_only_function<void(Result<std::size_t>)>>& done) {
  http::WorkerPool::Job step = [this, sweep, done] {
    const Result<bool> more = sweep->step();
    if (!more) return (*done)(std::unexpected(more.error()));
    if (!*more) return (*done)(sweep->removed());
    sweep_on(sweep, done);  // behind what waits for the disk by now
  };
  if (!pool_.submit(step)) {
    step = nullptr;
    (*done)(sweep->removed());
  }
}

Result<> Media::check(bool full, const store::CheckTell& tell, store::Faults& faults) {
  std::int64_t done = 0;
  std::string after;
  while (faults.size() < store::most_faults) {
    std::vector<sql_of::MediaAfter::Row> rows;
    {
      GIMS_TRY_ASSIGN(auto reader, store_.read());
      GIMS_TRY_ASSIGN(rows, sql::all(reader.sql(),
                                     sql_of::MediaAfter{.after = after, .most = checked_at_once}));
    }
    for (const auto& row : rows) {
      if (!tell({.step = "media", .done = done++, .of = 0})) {
        return fail(ErrorKind::unavailable, "M_UNKNOWN", "The check was stopped.");
      }
      const auto good = check_media_file(options_.folder, options_.key, row.media_id,
                                         static_cast<std::uint64_t>(row.size), full);
      if (!good && faults.size() < store::most_faults) {
        faults.push_back("the media file " + row.media_id + ": " +
                         (good.error().detail.empty() ? good.error().text : good.error().detail));
      }
    }
    if (rows.size() < static_cast<std::size_t>(checked_at_once)) break;
    after = rows.back().media_id;
  }
  return {};
}

Result<bool> Media::prune_promises(store::Transaction& transaction) {
  const Millis before = transaction.now_ms() - kept_after_expiry.count();
  GIMS_TRY(sql::run(transaction.sql(), sql_of::ForgetMediaPromises{
                                           .before_ts = before, .most = most_forgotten_at_once}));
  return transaction.sql().changes() == most_forgotten_at_once;
}

}  // namespace gims::service

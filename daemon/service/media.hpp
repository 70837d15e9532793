// The content repository: what users upload, encrypted at rest with the media key, and the promises
// of uploads that come later (spec: client-server API, "Content repository").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "http/response.hpp"
#include "http/worker_pool.hpp"
#include "service/media_file.hpp"
#include "service/media_sweep.hpp"
#include "service/media_waits.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service {

// Life of a promise; the spec recommends 24 hours.
inline constexpr std::chrono::milliseconds media_promise_life = std::chrono::hours(24);
// Promises of one user that wait for their upload.
inline constexpr std::int64_t most_media_promises = 64;
// Uploads at the same time, each with up to 192 KiB of memory and a descriptor: of all users and of
// one.
inline constexpr std::size_t most_media_uploads = 512;
inline constexpr std::size_t most_media_uploads_of_user = 16;

// A download waits for a promised file this long where the client does not say, and no longer than
// that whatever it says; the first is the spec's.
inline constexpr std::chrono::milliseconds default_media_wait = std::chrono::seconds(20);
inline constexpr std::chrono::milliseconds longest_media_wait = std::chrono::seconds(60);

struct MediaOptions {
  std::filesystem::path folder;  // made if it is missing; nothing else may write there
  SecretBytes key;               // 32 bytes
};

struct NewMedia {
  std::string owner;
  std::string content_type;
  std::optional<std::string> file_name;
  std::uint64_t announced = 0;  // its size by Content-Length; 0: not known
};

struct MediaInfo {
  std::string media_id;
  std::string content_type;
  std::optional<std::string> file_name;
  std::uint64_t size = 0;
};

struct MediaPromise {
  std::string uri;  // mxc://
  Millis expires_ts = 0;
};

// One upload in progress. Goes without Media::finish(): nothing of it is left. Thread: one at a
// time.
class MediaUpload {
 public:
  MediaUpload(const MediaUpload&) = delete;
  MediaUpload& operator=(const MediaUpload&) = delete;
  ~MediaUpload();
  // M_FORBIDDEN beyond the quota; `unavailable` when the disk is full.
  [[nodiscard]] Result<> write(std::span<const char> piece);

 private:
  friend class Media;
  struct Running;  // who uploads at this moment
  struct Slot;     // one place among them
  MediaUpload() = default;
  std::unique_ptr<Slot> slot_;  // goes after the file: only then may another upload take the id
  NewMedia about_;
  std::string media_id_;
  bool promised_ = false;
  std::uint64_t room_ = 0;  // what the quota leaves
  std::unique_ptr<MediaFileWriter> file_;
};

// Thread: any. Uploads write and downloads read on the thread of the loop that has the connection,
// 64 KiB at a time, mostly to and from the page cache; what waits for the disk as a whole (fsync)
// is done on a thread of the service. A loop held up for one chunk by a slow disk is accepted:
// handing every chunk to another thread would cost more than it saves.
class Media {
 public:
  // `store`, `policy` and `clock` live longer.
  [[nodiscard]] static Result<std::unique_ptr<Media>> open(MediaOptions options,
                                                           store::Store& store,
                                                           const Policy& policy,
                                                           const Clock& clock);
  Media(const Media&) = delete;
  Media& operator=(const Media&) = delete;
  ~Media();  // as stop()

  // M_FORBIDDEN beyond the quota, M_LIMIT_EXCEEDED for too many at once, `unavailable` when the
  // disk or the server is full.
  [[nodiscard]] Result<std::unique_ptr<MediaUpload>> begin(NewMedia about);
  // The content of a promise. M_NOT_FOUND for none, or one that expired; M_FORBIDDEN for another
  // user's; M_CANNOT_OVERWRITE_MEDIA when it is there, or on its way.
  [[nodiscard]] Result<std::unique_ptr<MediaUpload>> begin_promised(NewMedia about,
                                                                    std::string_view server_name,
                                                                    std::string_view media_id);
  // All bytes were written. `done` gets the mxc:// URI once file and row are on the disk; on
  // another thread.
  using Done = std::move_only_function<void(Result<std::string>)>;
  void finish(std::unique_ptr<MediaUpload> upload, Done done);

  // M_LIMIT_EXCEEDED when too many promises of the user are open.
  void promise(std::string owner, std::move_only_function<void(Result<MediaPromise>)> done);

  // M_NOT_FOUND, also for media of other servers; M_NOT_YET_UPLOADED.
  [[nodiscard]] Result<MediaInfo> find(std::string_view server_name, std::string_view media_id);
  // As find(), of a file that is promised, when it is there, or after `timeout`, at most
  // longest_media_wait. Holds no thread; `done` is called on one of the service. The ticket is for
  // gone(): the client went, and `done` goes uncalled.
  using Found = std::move_only_function<void(Result<MediaInfo>)>;
  struct Wanted {
    std::string user_id;  // who waits
    std::string server_name;
    std::string media_id;
  };
  void wait(const Wanted& wanted, std::chrono::milliseconds timeout,
            const MediaWaits::Ticket& ticket, Found done);
  void gone(const MediaWaits::Ticket& ticket) { waits_.gone(ticket); }
  // Those that wait are answered, and who comes later at once. Before stop(). Idempotent.
  void end_waits() { waits_.stop(); }

  // `length` bytes from `first`, which lie within the file.
  [[nodiscard]] Result<std::unique_ptr<http::BodySource>> read(const MediaInfo& info,
                                                               std::uint64_t first,
                                                               std::uint64_t length);

  // Whether each file is there and has its size; `full`: whether every byte of it can be opened.
  // Adds what is wrong to `faults`. Fails as the store does, and `unavailable` when told to stop.
  [[nodiscard]] Result<> check(bool full, const store::CheckTell& tell, store::Faults& faults);

  // A step of store::Maintenance: forgets promises that were not kept, a day after they expired, so
  // that an upload which began in time can still end.
  [[nodiscard]] static Result<bool> prune_promises(store::Transaction& transaction);

  // Removes from the folder what a crash left of uploads, in steps between the uploads' own work on
  // a thread of the service. Once, after the start. `done` gets the number of files, on another
  // thread. Where the service is stopped or overrun the rest is left to the next start.
  void sweep(std::move_only_function<void(Result<std::size_t>)> done);

  // Ends the thread; uploads that wait for it are dropped. Before the store stops. Idempotent.
  void stop();

 private:
  Media(MediaOptions options, store::Store& store, const Policy& policy, const Clock& clock);
  [[nodiscard]] Result<std::unique_ptr<MediaUpload>> start(NewMedia about, std::string media_id,
                                                           bool promised);
  [[nodiscard]] std::string uri_of(std::string_view media_id) const;
  void commit(std::unique_ptr<MediaUpload> upload, Done done);
  void sweep_on(const std::shared_ptr<MediaSweep>& sweep,
                const std::shared_ptr<std::move_only_function<void(Result<std::size_t>)>>& done);
  [[nodiscard]] Result<> insert(store::Transaction& transaction, const MediaUpload& upload) const;
  // Finds on a thread of the service.
  void look(const Wanted& wanted, const std::shared_ptr<Found>& done);

  MediaOptions options_;
  store::Store& store_;
  const Policy& policy_;
  const Clock& clock_;
  std::shared_ptr<MediaUpload::Running> running_;
  MediaWaits waits_;
  http::WorkerPool pool_;
};

}  // namespace gims::service

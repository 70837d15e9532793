#include "service/media_sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "service/media_file.hpp"
#include "store/statements/media.hpp"
#include "sys/errno.hpp"

namespace gims::service {
namespace fs = std::filesystem;
namespace {

// So that an upload which waits for the thread does not wait long.
constexpr std::size_t most_files_a_step = 256;

struct Found {
  fs::path path;
  MediaFileName name;
};

Result<bool> has_row(store::Reader& reader, std::string_view id) {
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(reader.sql(), store::statements::MediaById{.media_id = id}));
  return row.has_value();
}

}  // namespace

Result<MediaSweep> MediaSweep::begin(const fs::path& folder, store::Store& store,
                                     UnderWay under_way) {
  std::error_code failed;
  fs::directory_iterator at(folder, failed);
  if (failed) return sys::fail_with_errno("list " + folder.string(), failed.value());
  return MediaSweep(std::move(at), store, std::move(under_way));
}

Result<bool> MediaSweep::step() {
  std::error_code failed;
  std::vector<Found> found;
  const fs::directory_iterator end;
  for (std::size_t looked = 0; at_ != end && looked < most_files_a_step; ++looked) {
    std::error_code unknown;
    auto name = media_file_name(at_->path().filename().native());
    if (name && at_->symlink_status(unknown).type() == fs::file_type::regular) {
      found.push_back({at_->path(), std::move(*name)});
    }
    at_.increment(failed);
    if (failed) return sys::fail_with_errno("list the media folder", failed.value());
  }
  // In this order: an upload that is not under way any more has its row in a snapshot that is taken
  // now, or else its file is gone already. Unless its commit failed, which nobody knows the outcome
  // of before the next start.
  std::erase_if(found, [this](const Found& file) { return under_way_(file.name.id); });
  if (store_->writer().read_only()) return false;
  GIMS_TRY_ASSIGN(store::Reader reader, store_->read());
  for (const Found& file : found) {
    if (file.name.is_whole) {
      GIMS_TRY_ASSIGN(const bool is_known, has_row(reader, file.name.id));
      if (is_known) continue;
    }
    if (::unlink(file.path.c_str()) == 0) {
      ++removed_;
    } else if (errno != ENOENT) {
      return sys::fail_errno("unlink " + file.path.string());
    }
  }
  return at_ != end;
}

}  // namespace gims::service

// What a crash leaves in the media folder: files of uploads that were not finished, and files whose
// row was never committed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "store/store.hpp"

namespace gims::service {

// One walk over the folder, in steps. Thread: one at a time; uploads go on meanwhile.
class MediaSweep {
 public:
  // Whether a file with this id is being uploaded at this moment: from before its first file is
  // made until its row is committed and visible, or its file is removed. Any thread.
  using UnderWay = std::function<bool(std::string_view id)>;

  // Opens the folder; reads nothing yet. `store` lives longer.
  [[nodiscard]] static Result<MediaSweep> begin(const std::filesystem::path& folder,
                                                store::Store& store, UnderWay under_way);

  // Looks at the next files, a bounded number; true: there are more. A file with a row stays, and
  // so does every file while nobody knows which rows there are (the store is read-only), and
  // whatever has not the name of a file of ours.
  [[nodiscard]] Result<bool> step();
  // Files removed so far.
  [[nodiscard]] std::size_t removed() const noexcept { return removed_; }

 private:
  MediaSweep(std::filesystem::directory_iterator at, store::Store& store, UnderWay under_way)
      : at_(std::move(at)), store_(&store), under_way_(std::move(under_way)) {}

  std::filesystem::directory_iterator at_;
  store::Store* store_;
  UnderWay under_way_;
  std::size_t removed_ = 0;
};

}  // namespace gims::service

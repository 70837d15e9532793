// What officers reported to the administrators (Rooms::report), and what became of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/accounts/actor.hpp"
#include "store/store.hpp"

namespace gims::service {

struct Report {
  std::int64_t report_id = 0;
  Millis created_ts = 0;
  std::string reporter;
  std::optional<std::string> room_id;
  std::optional<std::string> event_id;
  std::optional<std::string> user_id;
  std::string reason;
  std::optional<Millis> closed_ts;
  std::string closed_by;
  std::string note;
};

enum class Which : std::uint8_t { all, open, closed };

// Thread: any.
class Reports {
 public:
  static constexpr std::size_t longest_note = 1024;  // characters

  explicit Reports(store::Store& store) noexcept : store_(store) {}

  // The newest first; those before a number.
  struct Page {
    std::vector<Report> reports;
    std::optional<std::int64_t> next;
  };
  [[nodiscard]] Result<Page> page(Which which, std::optional<std::int64_t> before,
                                  std::int64_t count);
  // M_INVALID_PARAM for a note that cannot be; M_NOT_FOUND; GIMS_STATE where it is closed already.
  void close(std::int64_t report_id, std::string note, Actor actor,
             std::move_only_function<void(Result<>)> done);

 private:
  store::Store& store_;
};

}  // namespace gims::service

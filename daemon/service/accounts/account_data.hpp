// What a user's clients keep on the server: settings, tags, the encrypted secret storage.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/store.hpp"

namespace gims::service {

// `room_id` is empty for global account data. Thread: any.
class AccountData {
 public:
  explicit AccountData(store::Store& store) noexcept : store_(store) {}
  // The content's JSON. M_NOT_FOUND.
  [[nodiscard]] Result<std::string> get(std::string_view user_id, std::string_view room_id,
                                        std::string_view type);
  // `content`: a JSON object. M_TOO_LARGE beyond what one account may keep.
  void put(std::string user_id, std::string room_id, std::string type, std::string content,
           std::move_only_function<void(Result<>)> done);
  // `change` makes the new content of the old, which is "{}" where there is none; on the writer's
  // thread, so that two changes cannot lose each other (tags).
  using Change = std::move_only_function<Result<std::string>(std::string_view old)>;
  void change(std::string user_id, std::string room_id, std::string type, Change change,
              std::move_only_function<void(Result<>)> done);

  // Within a transaction of another service (push rules, read markers).
  [[nodiscard]] static Result<> put_in(store::Transaction& transaction, std::string_view user_id,
                                       std::string_view room_id, std::string_view type,
                                       std::string_view content);

 private:
  store::Store& store_;
};

}  // namespace gims::service

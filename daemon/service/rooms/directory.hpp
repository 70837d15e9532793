// Finding rooms: the directory, aliases, spaces, summaries (spec: client-server API, "Listing
// rooms", "Spaces"). Answers are the JSON of the response. Thread: any but a loop's; each call
// takes one lease of the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service::rooms {

struct PublicRoomsQuery {
  std::optional<std::int64_t> limit = {};
  std::string since = {};
  std::string server = {};  // "": this one
  std::string search = {};
  // Nothing in the outer: all types. Nothing in the inner: rooms without a type.
  std::optional<std::vector<std::optional<std::string>>> room_types = {};
};
struct HierarchyQuery {
  bool suggested_only = false;
  std::optional<std::int64_t> limit = {};
  std::optional<std::int64_t> max_depth = {};
  std::string from = {};
};

class Directory {
 public:
  // Both outlive this object.
  Directory(store::Store& store, const Policy& policy) noexcept : store_(store), policy_(policy) {}

  // directory.cpp
  // A page may have fewer rooms than asked for, or none, and a token to go on: so many are looked
  // through for it and no more.
  [[nodiscard]] Result<std::string> public_rooms(const PublicRoomsQuery& query);
  // Of a room in the list, or of one that the user is joined to; M_NOT_FOUND for all others.
  [[nodiscard]] Result<std::string> visibility(std::string_view user_id, std::string_view room_id);
  [[nodiscard]] Result<std::string> alias(std::string_view alias);
  [[nodiscard]] Result<std::string> summary(std::string_view user_id,
                                            std::string_view room_id_or_alias);

  // spaces.cpp
  [[nodiscard]] Result<std::string> hierarchy(std::string_view user_id, std::string_view room_id,
                                              const HierarchyQuery& query);

 private:
  store::Store& store_;
  const Policy& policy_;
};

}  // namespace gims::service::rooms

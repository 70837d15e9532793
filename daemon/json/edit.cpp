#include "json/edit.hpp"

#include <algorithm>

#include "json/writer.hpp"

namespace gims::json {

std::string changed(Value object, std::span<const Change> changes) {
  Writer out;
  out.begin_object();
  for (const auto [key, value] : object.object()) {
    const auto change = std::ranges::find(changes, key, &Change::key);
    if (change == changes.end()) {
      out.member(key, value);
    } else if (change->json) {
      out.raw_member(key, *change->json);
    }
  }
  for (const Change& change : changes) {
    if (change.json && !object.get(change.key)) out.raw_member(change.key, *change.json);
  }
  return out.end_object().take();
}

std::string with_member(Value object, std::string_view key, std::string_view json) {
  const Change change{key, json};
  return changed(object, {&change, 1});
}

std::string without_member(Value object, std::string_view key) {
  const Change change{key, std::nullopt};
  return changed(object, {&change, 1});
}

}  // namespace gims::json

#include "service/filters.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "json/canonical.hpp"
#include "json/fields.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "store/statements/filters.hpp"

namespace gims::service {
namespace {

namespace statements = store::statements;

// Of one account. A client stores a few, and the same again as the same.
constexpr std::int64_t most_filters = 500;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

// What is of another type than it should be is for the parser to refuse.
Result<> check_ids(json::Value object, std::string_view list, bool (*is_id)(std::string_view),
                   std::string_view what) {
  for (const json::Value element : object.get(list).array()) {
    const auto id = element.as_string();
    if (id && !is_id(*id)) return std::unexpected(json::wrong_type(list, what));
  }
  return {};
}

Result<> check_rooms(json::Value object) {
  for (const std::string_view list : {"rooms", "not_rooms"}) {
    GIMS_TRY(check_ids(object, list, &matrix::is_room_id, "an array of room ids"));
  }
  return {};
}

Result<> check_senders(json::Value object) {
  for (const std::string_view list : {"senders", "not_senders"}) {
    GIMS_TRY(check_ids(object, list, &matrix::is_user_id, "an array of user ids"));
  }
  return {};
}

Result<sync::Filter> parse(json::Value filter) {
  GIMS_TRY_ASSIGN(auto parsed, sync::Filter::parse(filter));
  GIMS_TRY(check_filter_ids(filter));
  return parsed;
}

Result<std::string> store_in(store::Transaction& transaction, std::string_view user_id,
                             std::string_view content) {
  const sql::Blob blob{content};
  GIMS_TRY_ASSIGN(const auto known,
                  sql::first(transaction.sql(),
                             statements::FilterWithContent{.user_id = user_id, .content = blob}));
  if (known) return std::to_string(known->filter_id);
  GIMS_TRY_ASSIGN(const auto last,
                  sql::first(transaction.sql(), statements::LastFilter{.user_id = user_id}));
  const std::int64_t id = last && last->filter_id ? *last->filter_id + 1 : 0;
  if (id >= most_filters) return too_large("This account has stored as many filters as it may.");
  GIMS_TRY(sql::run(transaction.sql(),
                    statements::StoreFilter{.user_id = user_id, .filter_id = id, .content = blob}));
  return std::to_string(id);
}

}  // namespace

Result<> check_event_filter_ids(json::Value filter) {
  GIMS_TRY(check_rooms(filter));
  return check_senders(filter);
}

Result<> check_filter_ids(json::Value filter) {
  GIMS_TRY(check_senders(filter.get("presence")));
  GIMS_TRY(check_senders(filter.get("account_data")));
  const json::Value room = filter.get("room");
  GIMS_TRY(check_rooms(room));
  for (const std::string_view part : {"timeline", "state", "ephemeral", "account_data"}) {
    GIMS_TRY(check_event_filter_ids(room.get(part)));
  }
  return {};
}

void Filters::store(std::string user_id, json::Value filter,
                    std::move_only_function<void(Result<std::string>)> done) {
  if (auto parsed = parse(filter); !parsed) return done(pass(std::move(parsed)));
  auto content = json::canonical(filter);
  if (!content) return done(pass(std::move(content)));
  if (content->size() > longest_filter) return done(too_large("The filter is too large."));
  store_.writer().submit(
      [user_id = std::move(user_id), content = std::move(*content)](
          store::Transaction& transaction) { return store_in(transaction, user_id, content); },
      std::move(done));
}

Result<std::string> Filters::get(std::string_view user_id, std::string_view filter_id) {
  const auto number = number_of(filter_id);
  if (!number) return not_found("There is no such filter.");
  GIMS_TRY_ASSIGN(auto reader, store_.read());
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(reader.sql(),
                             statements::FilterContent{.user_id = user_id, .filter_id = *number}));
  if (!row) return not_found("There is no such filter.");
  return std::move(row->content);
}

Result<Filters::FilterPtr> Filters::resolve(const std::string& user_id, std::string_view text) {
  static const FilterPtr everything = std::make_shared<const sync::Filter>();
  if (text.empty()) return everything;
  const bool is_json = text.front() == '{';
  // A JSON filter is shared by all users that send it; an id is its owner's.
  const std::string key = is_json ? std::string(text) : user_id + " " + std::string(text);
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(cache_, key, &std::pair<std::string, FilterPtr>::first);
    if (found != cache_.end()) {
      cache_.splice(cache_.begin(), cache_, found);
      return found->second;
    }
  }
  std::string content;
  if (is_json) {
    if (text.size() > longest_filter) return too_large("The filter is too large.");
    content = text;
  } else {
    auto stored = get(user_id, text);
    if (!stored && stored.error().kind == ErrorKind::not_found) {
      return invalid_param("There is no such filter: store it first (POST /user/{userId}/filter).");
    }
    if (!stored) return pass(std::move(stored));
    content = std::move(*stored);
  }
  GIMS_TRY_ASSIGN(const auto document, json::Document::parse(content));
  GIMS_TRY_ASSIGN(auto parsed, parse(document.root()));
  auto filter = std::make_shared<const sync::Filter>(std::move(parsed));
  const std::scoped_lock lock(mutex_);
  cache_.emplace_front(key, filter);
  if (cache_.size() > most_cached) cache_.pop_back();
  return filter;
}

}  // namespace gims::service

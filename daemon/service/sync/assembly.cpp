#include "service/sync/assembly.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "json/writer.hpp"
#include "matrix/push_rules.hpp"
#include "service/sync/body.hpp"
#include "service/sync/device_lists.hpp"
#include "service/sync/key_counts.hpp"
#include "service/sync/room_section.hpp"
#include "service/sync/unread.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

std::string account_data_event(std::string_view type, std::string_view content) {
  json::Writer out;
  out.begin_object().member("type", type).raw_member("content", content).end_object();
  return out.take();
}

struct AccountData {
  std::vector<std::string> global;
  std::map<std::string, std::vector<std::string>, std::less<>> rooms;
};

class Assembly {
 public:
  Assembly(store::Store& store, Feed& feed, const SyncRequest& request) noexcept
      : store_(store),
        feed_(feed),
        request_(request),
        reads_(store, &feed.statements()),
        since_(request.since ? request.since->stream : 0) {}

  Result<DeviceLists> changed_devices() {
    GIMS_TRY(collect());
    GIMS_TRY_ASSIGN(data_, user_data(feed_, reads_, request_.user_id, news_.token.stream));
    const PushUser push_user{.user_id = request_.user_id, .data = data_};
    RoomSections sections(feed_, reads_, request_, *data_, push_user, news_.token);
    GIMS_TRY(make_rooms(sections));
    return device_lists(store_, feed_, reads_, request_.user_id, since_, news_,
                        sections.encounters());
  }

  Result<Assembled> make() {
    GIMS_TRY(collect());
    GIMS_TRY_ASSIGN(data_, user_data(feed_, reads_, request_.user_id, news_.token.stream));
    const PushUser push_user{.user_id = request_.user_id, .data = data_};
    RoomSections sections(feed_, reads_, request_, *data_, push_user, news_.token);
    GIMS_TRY(read_account_data());
    GIMS_TRY(make_rooms(sections));
    GIMS_TRY(read_to_device());
    if (request_.since) {
      GIMS_TRY_ASSIGN(lists_, device_lists(store_, feed_, reads_, request_.user_id, since_, news_,
                                           sections.encounters()));
    }
    Assembled assembled;
    assembled.next = news_.token;
    assembled.empty = joined_.empty() && invited_.empty() && knocked_.empty() && left_.empty() &&
                      account_data_.global.empty() && to_device_.empty() &&
                      lists_.changed.empty() && lists_.left.empty();
    if (!assembled.empty || !request_.since || request_.even_if_empty) {
      GIMS_TRY_ASSIGN(assembled.body, write(sections));
      if (request_.filter->state.lazy_load_members) {
        feed_.members_sent(request_.user_id, request_.device_id, request_.device_token(),
                           news_.token, sections.members_sent());
      }
    }
    assembled.read_store = reads_.used();
    return assembled;
  }

 private:
  Result<> collect() {
    // The user's entry may go between the two where memory is short.
    for (int attempt = 0; attempt < 3; ++attempt) {
      GIMS_TRY(feed_.ensure_user(store_, request_.user_id));
      key_generation_ = feed_.key_generation();
      auto news = feed_.collect(request_.user_id, request_.device_id, request_.since,
                                !request_.since || request_.full_state);
      if (!news) continue;
      news_ = std::move(*news);
      // A token of before a restore: what it says is not in this database.
      if (since_ > news_.token.stream) news_.token.stream = since_;
      return {};
    }
    return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is busy. Try again.",
                "the feed holds too few users");
  }

  Result<> read_account_data() {
    if (!news_.account_data) {
      if (!request_.since) add_rules();
      return {};
    }
    const Filter& filter = *request_.filter;
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    bool has_rules = false;
    GIMS_TRY(sql::for_each(
        *connection,
        statements::SyncAccountData{
            .user_id = request_.user_id, .above = since_, .up_to = news_.token.stream},
        [&](const auto& row) {
          if (row.room_id.empty()) {
            if (row.type == "m.push_rules") {
              has_rules = true;
              add_rules();
            } else if (passes(filter.account_data, row.type)) {
              account_data_.global.push_back(account_data_event(row.type, row.content));
            }
          } else if (passes(filter.room_account_data, row.type) &&
                     filter.room_account_data.passes_room(row.room_id)) {
            account_data_.rooms[std::string(row.room_id)].push_back(
                account_data_event(row.type, row.content));
          }
        }));
    if (!request_.since && !has_rules) add_rules();
    return {};
  }

  // The user's own data is of nobody else: a filter by sender that leaves them out leaves it out.
  [[nodiscard]] bool passes(const EventFilter& filter, std::string_view type) const {
    return filter.passes_type(type) && filter.passes_sender(request_.user_id);
  }

  void add_rules() {
    if (!passes(request_.filter->account_data, "m.push_rules")) return;
    const std::string rules =
        data_->rules ? data_->rules->json() : matrix::RuleSet::defaults(request_.user_id).json();
    account_data_.global.push_back(account_data_event("m.push_rules", rules));
  }

  Result<> make_rooms(RoomSections& sections) {
    // Rooms that only have account data to tell.
    for (const auto& [room_id, events] : account_data_.rooms) {
      const bool there = std::ranges::any_of(
          news_.rooms, [&](const RoomNews& news) { return news.room_id == room_id; });
      if (there) continue;
      if (auto room = feed_.room_of_user(request_.user_id, room_id);
          room && room->membership == Membership::join) {
        room->membership_position = std::min(room->membership_position, since_);
        news_.rooms.push_back(std::move(*room));
      }
    }
    for (const RoomNews& news : news_.rooms) {
      std::vector<std::string> data;
      if (const auto found = account_data_.rooms.find(news.room_id);
          found != account_data_.rooms.end()) {
        data = std::move(found->second);
      }
      if (request_.since.has_value() && news.membership == Membership::join &&
          news.membership_position > since_) {
        GIMS_TRY_ASSIGN(data, all_account_data(news, std::move(data)));
      }
      GIMS_TRY_ASSIGN(auto section, sections.make(news, std::move(data)));
      if (section) list_of(news.membership).push_back(std::move(*section));
    }
    return {};
  }

  // Of a room that is new to the client: it may have been there before (a tag, a read marker).
  Result<std::vector<std::string>> all_account_data(const RoomNews& news,
                                                    std::vector<std::string> data) {
    GIMS_TRY_ASSIGN(const std::string before,
                    reads_.membership_at(news.nid, *news.version, request_.user_id, since_));
    if (before == "join") return data;
    data.clear();
    const RoomEventFilter& filter = request_.filter->room_account_data;
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY(sql::for_each(
        *connection,
        statements::SyncAccountDataOfRoom{
            .user_id = request_.user_id, .room_id = news.room_id, .up_to = news_.token.stream},
        [&](const auto& row) {
          if (passes(filter, row.type) && filter.passes_room(news.room_id)) {
            data.push_back(account_data_event(row.type, row.content));
          }
        }));
    return data;
  }

  std::vector<RoomSection>& list_of(Membership membership) {
    switch (membership) {
      case Membership::join:
        return joined_;
      case Membership::invite:
        return invited_;
      case Membership::knock:
        return knocked_;
      case Membership::leave:
      case Membership::ban:
        break;
    }
    return left_;
  }

  Result<> read_to_device() {
    const store::StreamId above = request_.since ? request_.since->last_to_device() : 0;
    if (news_.last_to_device <= above) return {};
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    store::StreamId last = above;
    GIMS_TRY(
        sql::for_each(*connection,
                      statements::SyncToDevice{.user_id = request_.user_id,
                                               .device_id = request_.device_id,
                                               .above = above,
                                               .up_to = news_.token.stream,
                                               .most = static_cast<std::int64_t>(most_to_device)},
                      [&](const auto& row) {
                        to_device_.emplace_back(row.content);
                        last = row.stream_id;
                      }));
    // The rest is asked for by the next token.
    if (to_device_.size() == most_to_device && last < news_.last_to_device) {
      news_.token.to_device = last;
    }
    return {};
  }

  Result<> write_rooms(Body& body, RoomSections& sections, std::string_view name,
                       const std::vector<RoomSection>& rooms, Membership kind) {
    if (rooms.empty()) return {};
    body.json().key(name).begin_object();
    for (const RoomSection& room : rooms) GIMS_TRY(sections.write_section(body, room, kind));
    body.json().end_object();
    return {};
  }

  static void write_list(json::Writer& out, std::string_view name,
                         const std::vector<std::string>& names) {
    out.key(name).begin_array();
    for (const std::string& text : names) out.value(text);
    out.end_array();
  }

  static void write_events(json::Writer& out, std::string_view name,
                           const std::vector<std::string>& events) {
    if (events.empty()) return;
    out.key(name).begin_object().key("events").begin_array();
    for (const std::string& event : events) out.raw(event);
    out.end_array().end_object();
  }

  Result<http::Chain> write(RoomSections& sections) {
    auto counts = news_.key_counts;
    if (!counts) {
      GIMS_TRY_ASSIGN(counts, read_key_counts(feed_, reads_, request_.user_id, request_.device_id,
                                              key_generation_));
    }
    Body body;
    json::Writer& out = body.json();
    out.begin_object().member("next_batch", format(news_.token));
    write_events(out, "account_data", account_data_.global);
    write_events(out, "to_device", to_device_);
    if (!lists_.changed.empty() || !lists_.left.empty()) {
      out.key("device_lists").begin_object();
      write_list(out, "changed", lists_.changed);
      write_list(out, "left", lists_.left);
      out.end_object();
    }
    out.raw(*counts);
    if (!joined_.empty() || !invited_.empty() || !knocked_.empty() || !left_.empty()) {
      out.key("rooms").begin_object();
      GIMS_TRY(write_rooms(body, sections, "join", joined_, Membership::join));
      GIMS_TRY(write_rooms(body, sections, "invite", invited_, Membership::invite));
      GIMS_TRY(write_rooms(body, sections, "knock", knocked_, Membership::knock));
      GIMS_TRY(write_rooms(body, sections, "leave", left_, Membership::leave));
      out.end_object();
    }
    out.end_object();
    return body.take();
  }

  store::Store& store_;
  Feed& feed_;
  const SyncRequest& request_;
  Reads reads_;
  const store::StreamId since_;
  News news_;
  std::uint64_t key_generation_ = 0;
  std::shared_ptr<const UserData> data_;
  AccountData account_data_;
  std::vector<RoomSection> joined_, invited_, knocked_, left_;
  std::vector<std::string> to_device_;
  DeviceLists lists_;
};

}  // namespace

Result<Assembled> assemble(store::Store& store, Feed& feed, const SyncRequest& request) {
  return Assembly(store, feed, request).make();
}

Result<DeviceLists> changed_devices(store::Store& store, Feed& feed, const SyncRequest& request) {
  return Assembly(store, feed, request).changed_devices();
}

Result<http::Chain> empty_reply(store::Store& store, Feed& feed, const std::string& user_id,
                                const std::string& device_id, const StreamToken& next) {
  const std::uint64_t generation = feed.key_generation();
  auto counts = feed.key_counts(user_id, device_id);
  if (!counts) {
    Reads reads(store, &feed.statements());
    GIMS_TRY_ASSIGN(counts, read_key_counts(feed, reads, user_id, device_id, generation));
  }
  json::Writer out;
  out.begin_object().member("next_batch", format(next)).raw(*counts).end_object();
  http::Chain chain;
  chain.emplace_back(out.take());
  return chain;
}

std::string text_of(const http::Chain& chain) {
  std::string text;
  for (const auto& piece : chain) {
    if (const auto* own = std::get_if<std::string>(&piece)) {
      text += *own;
    } else {
      text += *std::get<http::SharedBytes>(piece);
    }
  }
  return text;
}

}  // namespace gims::service::sync

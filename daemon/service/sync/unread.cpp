#include "service/sync/unread.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "service/sync/item.hpp"
#include "store/statements/receipts.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

// Rules of users that changed nothing differ only where they name the user, which an encrypted
// event never does.
const matrix::RuleSet& rules_of_nobody() {
  static const matrix::RuleSet rules = matrix::RuleSet::defaults("@:");
  return rules;
}

// Whether a rule could ask who the user is, or who may notify the room.
bool may_name_users(const matrix::Event& event) {
  const json::Value content = event.content();
  return event.is_state() || content.get("body").is_string() ||
         content.get("m.mentions").is_object();
}

UnreadCount& count_of(Unread& unread, std::string_view thread) {
  if (thread.empty()) return unread.main;
  const auto found =
      std::ranges::find(unread.threads, thread, &std::pair<std::string, UnreadCount>::first);
  if (found != unread.threads.end()) return found->second;
  return unread.threads.emplace_back(std::string(thread), UnreadCount{}).second;
}

class Counter {
 public:
  Counter(Feed& feed, Reads& reads, const PushUser& user, const RoomNews& room,
          store::StreamId up_to, const EventsAtHand& at_hand) noexcept
      : feed_(feed), reads_(reads), user_(user), room_(room), up_to_(up_to), at_hand_(at_hand) {}

  Result<Unread> count() {
    std::optional<Unread> known = feed_.unread(user_.user_id, room_.nid);
    if (known && known->counted > up_to_) known.reset();
    if (known) {
      unread_ = std::move(*known);
      GIMS_TRY_ASSIGN(const bool went_on, go_on());
      if (!went_on) known.reset();
    }
    if (!known) GIMS_TRY(from_receipts());
    std::erase_if(unread_.threads, [](const auto& thread) {
      return thread.second.notify == 0 && thread.second.highlight == 0;
    });
    std::ranges::sort(unread_.threads, {}, &std::pair<std::string, UnreadCount>::first);
    unread_.counted = up_to_;
    feed_.remember_unread(user_.user_id, room_.nid, unread_);
    return unread_;
  }

 private:
  // False: too much came since for going on.
  Result<bool> go_on() {
    if (room_.last_event <= unread_.counted) return true;
    GIMS_TRY_ASSIGN(const auto events, newest(unread_.counted));
    if (events.size() >= most_unread) return false;
    for (const ItemPtr& item : events) GIMS_TRY(take(*item));
    return true;
  }

  Result<> from_receipts() {
    unread_ = {};
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY_ASSIGN(const auto receipts,
                    sql::all(*connection, statements::ReceiptsOfUser{.room_nid = room_.nid,
                                                                     .user_id = user_.user_id}));
    store::StreamId all_read = 0;
    for (const auto& receipt : receipts) {
      if (receipt.thread_id.empty()) {
        all_read = receipt.event_stream_id;
      } else {
        thread_read_[receipt.thread_id == "main" ? std::string() : receipt.thread_id] =
            receipt.event_stream_id;
      }
    }
    GIMS_TRY_ASSIGN(const auto events, newest(all_read));
    for (const ItemPtr& item : events) GIMS_TRY(take(*item));
    return {};
  }

  // Ascending, of (above, up_to].
  Result<std::vector<ItemPtr>> newest(store::StreamId above) {
    if (auto held = feed_.events(room_.nid, above, up_to_)) return std::move(*held);
    const auto first =
        std::ranges::upper_bound(at_hand_.events, std::max(above, at_hand_.above), {},
                                 [](const ItemPtr& item) { return item->position(); });
    const auto most = static_cast<std::ptrdiff_t>(most_unread);
    const auto last = at_hand_.events.end();
    if (above >= at_hand_.above || last - first >= most) return std::vector(first, last);
    GIMS_TRY_ASSIGN(auto events, reads_.events(room_.nid, *room_.version, above, at_hand_.above,
                                               static_cast<std::size_t>(most - (last - first))));
    std::ranges::reverse(events);
    events.insert(events.end(), first, last);
    return events;
  }

  // The next event. The spec ("Receiving notifications") has what came before an event that the
  // user sends read: they were in the room. State is not sent by looking into it, a new name least
  // of all, which makes an event in every room; nor is a redaction, which is about an earlier time.
  Result<> take(const Item& item) {
    const matrix::Event& event = *item.event();
    if (event.is_state("m.room.member", user_.user_id) && event.membership() == "join") {
      GIMS_TRY_ASSIGN(const bool was_in, was_joined_before(item));
      if (!was_in) unread_ = {};
    }
    if (event.sender() != user_.user_id) return add(item);
    if (event.is_state() || event.type() == "m.room.redaction" || !unread_.any()) return {};
    GIMS_TRY_ASSIGN(const std::string thread, reads_.thread_of(room_.nid, event));
    count_of(unread_, thread) = {};
    return {};
  }

  Result<bool> was_joined_before(const Item& member) {
    if (const auto& previous = member.previous_membership()) return *previous == "join";
    GIMS_TRY_ASSIGN(
        const std::string previous,
        reads_.membership_at(room_.nid, *room_.version, user_.user_id, member.position() - 1));
    return previous == "join";
  }

  Result<> add(const Item& item) {
    const matrix::Event& event = *item.event();
    if (item.redacted_by() || user_.data->ignores(event.sender())) return {};
    GIMS_TRY_ASSIGN(const auto result,
                    evaluate_push(feed_, reads_, user_, room_.nid, *room_.version, event, up_to_,
                                  PushWanted::whether));
    if (!result.notify) return {};
    GIMS_TRY_ASSIGN(const std::string thread, reads_.thread_of(room_.nid, event));
    const auto read = thread_read_.find(thread);
    if (read != thread_read_.end() && item.position() <= read->second) return {};
    UnreadCount& count = count_of(unread_, thread);
    ++count.notify;
    if (result.highlight) ++count.highlight;
    return {};
  }

  Feed& feed_;
  Reads& reads_;
  const PushUser& user_;
  const RoomNews& room_;
  store::StreamId up_to_;
  const EventsAtHand& at_hand_;
  Unread unread_;
  std::unordered_map<std::string, store::StreamId> thread_read_;  // by root; the main one's is ""
};

Result<std::shared_ptr<const PushLevels>> push_levels(Feed& feed, Reads& reads, store::RoomNid room,
                                                      const matrix::RoomVersion& version,
                                                      store::StreamId as_of) {
  if (auto known = feed.push_levels(room)) return known;
  auto levels = std::make_shared<PushLevels>();
  GIMS_TRY_ASSIGN(const ItemPtr create, reads.state_at(room, version, "m.room.create", "", as_of));
  GIMS_TRY_ASSIGN(const ItemPtr content,
                  reads.state_at(room, version, "m.room.power_levels", "", as_of));
  if (content) levels->content = content->event();
  if (create) levels->levels.emplace(create->event(), levels->content);
  feed.remember_push_levels(room, as_of, levels);
  return levels;
}

}  // namespace

Result<std::shared_ptr<const UserData>> user_data(Feed& feed, Reads& reads,
                                                  const std::string& user_id,
                                                  store::StreamId as_of) {
  if (auto known = feed.user_data(user_id)) return known;
  auto data = std::make_shared<UserData>();
  GIMS_TRY_ASSIGN(const auto ignored, reads.account_data(user_id, "", "m.ignored_user_list"));
  if (ignored) {
    if (auto document = json::Document::parse(*ignored)) {
      for (const json::Member member : document->root().get("ignored_users").object()) {
        data->ignored.emplace_back(member.key);
      }
      std::ranges::sort(data->ignored);
    }
  }
  GIMS_TRY_ASSIGN(const auto stored, reads.account_data(user_id, "", "m.push_rules"));
  if (stored) {
    // Damaged rules must not keep the user from their messages.
    if (auto rules = matrix::RuleSet::load(user_id, *stored)) {
      data->rules = std::make_shared<const matrix::RuleSet>(std::move(*rules));
    }
  }
  feed.remember_user_data(user_id, as_of, data);
  return data;
}

Result<std::shared_ptr<const Summary>> room_summary(Feed& feed, Reads& reads, store::RoomNid room,
                                                    store::StreamId as_of) {
  if (auto known = feed.summary(room)) return known;
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  auto summary = std::make_shared<Summary>();
  GIMS_TRY(sql::for_each(*connection, statements::SyncMemberCounts{.room_nid = room},
                         [&](const auto& row) {
                           if (row.membership == "join") summary->joined = row.members;
                           if (row.membership == "invite") summary->invited = row.members;
                         }));
  // The spec's five, and one more since the reader is not among them.
  constexpr std::int64_t most = 6;
  GIMS_TRY(sql::for_each(*connection, statements::SyncHeroes{.room_nid = room, .most = most},
                         [&](const auto& row) { summary->heroes.emplace_back(row.user_id); }));
  if (summary->heroes.size() < 2) {
    GIMS_TRY(
        sql::for_each(*connection, statements::SyncFormerHeroes{.room_nid = room, .most = most},
                      [&](const auto& row) { summary->former_heroes.emplace_back(row.user_id); }));
  }
  feed.remember_summary(room, as_of, summary);
  return summary;
}

Result<matrix::PushResult> evaluate_push(Feed& feed, Reads& reads, const PushUser& user,
                                         store::RoomNid room, const matrix::RoomVersion& version,
                                         const matrix::Event& event, store::StreamId as_of,
                                         PushWanted wanted) {
  const bool of_nobody = !user.data->rules && !may_name_users(event);
  if (of_nobody && wanted == PushWanted::whether) return rules_of_nobody().evaluate(event, {});
  matrix::RoomContext context;
  GIMS_TRY_ASSIGN(const auto summary, room_summary(feed, reads, room, as_of));
  context.joined_members = summary->joined;
  if (of_nobody) return rules_of_nobody().evaluate(event, context);
  ItemPtr member = feed.member(room, user.user_id, as_of);
  if (!member) {
    GIMS_TRY_ASSIGN(member, reads.state_at(room, version, "m.room.member", user.user_id, as_of));
    if (member) feed.remember_member(room, as_of, member);
  }
  if (member) context.display_name = member->event()->content().get("displayname").string_or({});
  GIMS_TRY_ASSIGN(const auto levels, push_levels(feed, reads, room, version, as_of));
  if (levels->levels) {
    context.sender_level = levels->levels->of_user(event.sender());
    context.room_notification_level = levels->levels->to_notify("room");
  }
  if (levels->content) context.power_levels = levels->content->content();
  return user.data->rules_of(user.user_id).evaluate(event, context);
}

Result<Unread> count_unread(Feed& feed, Reads& reads, const PushUser& user, const RoomNews& room,
                            store::StreamId up_to, const EventsAtHand& at_hand) {
  return Counter(feed, reads, user, room, up_to, at_hand).count();
}

}  // namespace gims::service::sync

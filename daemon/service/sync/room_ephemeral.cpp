// Typing and receipts of a room in a reply.
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "json/writer.hpp"
#include "service/sync/room_section.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {

namespace statements = store::statements;

Result<std::vector<std::string>> RoomSections::ephemeral(const RoomNews& news, bool was_joined) {
  std::vector<std::string> events;
  const RoomEventFilter& filter = request_.filter->ephemeral;
  if (!filter.passes_room(news.room_id)) return events;
  if (news.typing_changed && (was_joined || !news.typing.empty()) &&
      filter.passes_type("m.typing")) {
    json::Writer typing;
    typing.begin_object().member("type", "m.typing").key("content").begin_object();
    typing.key("user_ids").begin_array();
    for (const std::string& user_id : news.typing) {
      if (!user_data_.ignores(user_id)) typing.value(user_id);
    }
    typing.end_array().end_object().end_object();
    events.push_back(typing.take());
  }
  if (filter.passes_type("m.receipt")) {
    GIMS_TRY_ASSIGN(const auto found, receipts(news, was_joined ? since_ : 0));
    for (std::string& event : receipt_events(found)) events.push_back(std::move(event));
  }
  return events;
}

Result<std::vector<Receipt>> RoomSections::receipts(const RoomNews& news, store::StreamId above) {
  std::vector<Receipt> found;
  if (news.last_receipt <= above) return found;
  if (above == since_ && news.receipts_complete) {
    // The table keeps the last of each user, type and thread; so do we.
    std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const Receipt*> last;
    for (const Receipt& receipt : news.receipts) {
      last[{receipt.user_id, receipt.type, receipt.thread_id}] = &receipt;
    }
    for (const Receipt& receipt : news.receipts) {
      if (last[{receipt.user_id, receipt.type, receipt.thread_id}] == &receipt) {
        found.push_back(receipt);
      }
    }
  } else {
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY(sql::for_each(
        *connection,
        statements::SyncReceipts{.room_nid = news.nid, .above = above, .up_to = to_.stream},
        [&](const auto& row) {
          found.push_back(Receipt{.position = row.stream_id,
                                  .user_id = std::string(row.user_id),
                                  .type = std::string(row.type),
                                  .event_id = std::string(row.event_id),
                                  .thread_id = std::string(row.thread_id),
                                  .ts = row.ts});
        }));
  }
  std::erase_if(found, [&](const Receipt& receipt) {
    return receipt.type == "m.read.private" && receipt.user_id != request_.user_id;
  });
  return found;
}

// The shape of m.receipt's content, event, type, user, has room for one receipt of a user at an
// event; their unthreaded and threaded ones may stand at the same. What does not fit comes in
// another event.
std::vector<std::string> RoomSections::receipt_events(const std::vector<Receipt>& receipts) {
  using Users = std::map<std::string_view, const Receipt*>;
  using Content = std::map<std::string_view, std::map<std::string_view, Users>>;
  std::vector<Content> contents;
  for (const Receipt& receipt : receipts) {
    const auto fits = [&](Content& content) {
      return content[receipt.event_id][receipt.type].emplace(receipt.user_id, &receipt).second;
    };
    if (std::ranges::any_of(contents, fits)) continue;
    fits(contents.emplace_back());
  }
  std::vector<std::string> events;
  for (const Content& content : contents) {
    json::Writer out;
    out.begin_object().member("type", "m.receipt").key("content").begin_object();
    for (const auto& [event_id, types] : content) {
      out.key(event_id).begin_object();
      for (const auto& [type, users] : types) {
        out.key(type).begin_object();
        for (const auto& [user_id, receipt] : users) {
          out.key(user_id).begin_object().member("ts", receipt->ts);
          if (!receipt->thread_id.empty()) out.member("thread_id", receipt->thread_id);
          out.end_object();
        }
        out.end_object();
      }
      out.end_object();
    }
    out.end_object().end_object();
    events.push_back(out.take());
  }
  return events;
}

}  // namespace gims::service::sync

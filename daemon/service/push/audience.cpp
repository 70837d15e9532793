#include "service/push/audience.hpp"

#include <utility>

#include "json/writer.hpp"
#include "store/statements/push.hpp"

namespace gims::service::push {
namespace {

namespace statements = store::statements;

// Nothing: it is of another gateway.
std::optional<Pusher> pusher_of(const auto& row, std::string_view gateway) {
  const auto content = json::Document::parse(row.content);
  const json::Value data = content ? content->root().get("data") : json::Value();
  if (data.get("url").as_string() != gateway) return std::nullopt;
  Pusher pusher{.user_id = std::string(row.user_id),
                .app_id = std::string(row.app_id),
                .push_key = std::string(row.push_key),
                .id_only = data.get("format").as_string() == "event_id_only"};
  json::Writer out;
  out.begin_object();
  for (const json::Member member : data.object()) {
    if (member.key != "url") out.member(member.key, member.value);
  }
  out.end_object();
  pusher.data = out.take();
  return pusher;
}

}  // namespace

Result<std::vector<Pusher>> read_pushers(sync::Reads& reads, std::string_view gateway,
                                         std::optional<std::string_view> user_id) {
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  std::vector<Pusher> pushers;
  const auto take = [&](const auto& row) {
    if (auto pusher = pusher_of(row, gateway)) pushers.push_back(std::move(*pusher));
  };
  if (user_id) {
    GIMS_TRY(
        sql::for_each(*connection, statements::PushersServedOfUser{.user_id = *user_id}, take));
  } else {
    GIMS_TRY(sql::for_each(*connection, statements::PushersServed{}, take));
  }
  return pushers;
}

Result<Audience::Members> Audience::of_room(sync::Reads& reads, store::RoomNid room) {
  if (const auto known = rooms_.find(room); known != rooms_.end()) return known->second;
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  auto members = std::make_shared<std::vector<Member>>();
  GIMS_TRY(sql::for_each(
      *connection, statements::MembersWithPushers{.room_nid = room}, [&](const auto& row) {
        members->push_back({.user_id = std::string(row.user_id), .since = row.stream_id});
      }));
  if (members_ + members->size() > most_members || rooms_.size() >= most_rooms) forget_all();
  members_ += members->size();
  return rooms_.emplace(room, std::move(members)).first->second;
}

void Audience::forget_room(store::RoomNid room) {
  const auto known = rooms_.find(room);
  if (known == rooms_.end()) return;
  members_ -= known->second->size();
  rooms_.erase(known);
}

void Audience::forget_all() {
  rooms_.clear();
  members_ = 0;
}

}  // namespace gims::service::push

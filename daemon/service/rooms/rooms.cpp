#include "service/rooms/rooms.hpp"

#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

Rooms::Rooms(store::Store& store, const Policy& policy, const Clock& clock)
    : core_(std::make_unique<Core>(store, policy, clock)) {}
Rooms::~Rooms() = default;

void Rooms::create(Actor actor, NewRoom request, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), request = std::move(request)](
          store::Transaction& transaction) { return core->create(transaction, actor, request); },
      std::move(done));
}

void Rooms::send_message(Actor actor, std::string room_id, std::string type, std::string content,
                         std::string txn_id, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id),
       type = std::move(type), content = std::move(content),
       txn_id = std::move(txn_id)](store::Transaction& transaction) {
        return core->send_message(transaction, actor, room_id, type, content, txn_id);
      },
      std::move(done));
}

void Rooms::send_state(Actor actor, std::string room_id, StateInput state, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id),
       state = std::move(state)](store::Transaction& transaction) {
        return core->send_state(transaction, actor, room_id, state);
      },
      std::move(done));
}

void Rooms::redact(Actor actor, std::string room_id, std::string event_id, std::string content,
                   std::string txn_id, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id),
       event_id = std::move(event_id), content = std::move(content),
       txn_id = std::move(txn_id)](store::Transaction& transaction) {
        return core->redact(transaction, actor, room_id, event_id, content, txn_id);
      },
      std::move(done));
}

void Rooms::set_membership(Actor actor, Act act, std::string room_id, std::string target,
                           MembershipDetails details, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor),
       request = Core::MembershipRequest{.act = act,
                                         .room_id = std::move(room_id),
                                         .target = std::move(target),
                                         .details = std::move(details)}](
          store::Transaction& transaction) {
        return core->set_membership(transaction, actor, request);
      },
      std::move(done));
}

void Rooms::forget(Actor actor, std::string room_id, Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id)](
          store::Transaction& transaction) { return core->forget(transaction, actor, room_id); },
      std::move(done));
}

void Rooms::add_alias(Actor actor, std::string alias, std::string room_id, Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), alias = std::move(alias),
       room_id = std::move(room_id)](store::Transaction& transaction) {
        return core->add_alias(transaction, actor, alias, room_id);
      },
      std::move(done));
}

void Rooms::remove_alias(Actor actor, std::string alias, Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor),
       alias = std::move(alias)](store::Transaction& transaction) {
        return core->remove_alias(transaction, actor, alias);
      },
      std::move(done));
}

void Rooms::set_listed(Actor actor, std::string room_id, bool listed, Done<> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id),
       listed](store::Transaction& transaction) {
        return core->set_listed(transaction, actor, room_id, listed);
      },
      std::move(done));
}

void Rooms::report(Actor actor, Report report, Done<> done) {
  core_->store.writer().submit(
      [actor = std::move(actor), report = std::move(report)](store::Transaction& transaction) {
        return sql::run(transaction.sql(), sql_of::InsertReport{.created_ts = transaction.now_ms(),
                                                                .reporter = actor.user_id,
                                                                .room_id = report.room_id,
                                                                .event_id = report.event_id,
                                                                .user_id = report.user_id,
                                                                .reason = report.reason});
      },
      std::move(done));
}

void Rooms::upgrade(Actor actor, std::string room_id, std::string new_version,
                    std::vector<std::string> additional_creators, Done<std::string> done) {
  core_->store.writer().submit(
      [core = core_.get(), actor = std::move(actor), room_id = std::move(room_id),
       new_version = std::move(new_version),
       creators = std::move(additional_creators)](store::Transaction& transaction) {
        return core->upgrade(transaction, actor, room_id, new_version, creators);
      },
      std::move(done));
}

Result<> Rooms::profile_changed(store::Transaction& transaction, std::string_view user_id,
                                std::optional<std::string_view> displayname,
                                std::optional<std::string_view> avatar_url) {
  return core_->profile_changed(transaction, user_id, displayname, avatar_url);
}

Result<> Rooms::leave_all_rooms(store::Transaction& transaction, std::string_view user_id) {
  return core_->leave_all(transaction, user_id);
}

Result<std::vector<std::string>> Rooms::joined_rooms(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, core_->store.read());
  GIMS_TRY_ASSIGN(auto rows, sql::all(reader.sql(), sql_of::RoomsWithMembership{
                                                        .user_id = user_id, .membership = "join"}));
  std::vector<std::string> rooms;
  rooms.reserve(rows.size());
  for (auto& row : rows) rooms.push_back(std::move(row.room_id));
  return rooms;
}

Result<std::optional<store::RoomNid>> Rooms::room_nid(std::string_view room_id) {
  return core_->room_nid(room_id);
}

// Rooms keep their number for good, so that what is known stays true.
Result<std::optional<store::RoomNid>> Core::room_nid(std::string_view room_id) {
  const std::string key(room_id);
  {
    const std::scoped_lock lock(nids_mutex_);
    if (const auto known = nids_.find(key); known != nids_.end()) return known->second;
  }
  GIMS_TRY_ASSIGN(store::Reader reader, store.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::RoomById{.room_id = room_id}));
  if (!row) return std::nullopt;
  const std::scoped_lock lock(nids_mutex_);
  constexpr std::size_t most_known = 65536;
  if (nids_.size() >= most_known) nids_.clear();
  nids_.insert_or_assign(key, row->room_nid);
  return row->room_nid;
}

Result<std::string> Rooms::resolve(std::string_view room_id_or_alias) {
  if (!room_id_or_alias.starts_with('#')) {
    GIMS_TRY(matrix::require_room_id(room_id_or_alias, "roomIdOrAlias"));
    return std::string(room_id_or_alias);
  }
  GIMS_TRY(matrix::require_room_alias(room_id_or_alias, "roomIdOrAlias"));
  GIMS_TRY_ASSIGN(store::Reader reader, core_->store.read());
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(reader.sql(), sql_of::AliasTarget{.alias = room_id_or_alias}));
  if (!row) return not_found("There is no room " + std::string(room_id_or_alias) + ".");
  return std::move(row->room_id);
}

}  // namespace gims::service::rooms

#include "service/accounts/account_data.hpp"

#include <utility>

#include "service/errors.hpp"
#include "store/statements/profiles.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Of one account: enough for years of tags, drafts and secret storage.
constexpr std::int64_t most_entries = 20'000;
constexpr std::int64_t most_bytes = std::int64_t{32} * 1024 * 1024;
constexpr std::size_t longest_type = 255;

}  // namespace

Result<std::string> AccountData::get(std::string_view user_id, std::string_view room_id,
                                     std::string_view type) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(reader.sql(), sql_of::AccountDataByType{user_id, room_id, type}));
  if (!row) return not_found("There is no account data of this type.");
  return std::move(row->content);
}

Result<> AccountData::put_in(store::Transaction& transaction, std::string_view user_id,
                             std::string_view room_id, std::string_view type,
                             std::string_view content) {
  if (type.empty() || type.size() > longest_type) {
    return invalid_param("A type of account data has 1 to 255 bytes.");
  }
  GIMS_TRY_ASSIGN(const auto size,
                  sql::first(transaction.sql(), sql_of::AccountDataSize{user_id, room_id, type}));
  if (size && (size->entries >= most_entries ||
               size->bytes.value_or(0) + static_cast<std::int64_t>(content.size()) > most_bytes)) {
    return too_large("This account keeps as much account data as it may.");
  }
  const store::StreamId position = transaction.next_position();
  GIMS_TRY(sql::run(transaction.sql(), sql_of::UpsertAccountData{.user_id = user_id,
                                                                 .room_id = room_id,
                                                                 .type = type,
                                                                 .content = sql::Blob{content},
                                                                 .stream_id = position}));
  transaction.publish(store::AccountDataChanged{.position = position,
                                                .user_id = std::string(user_id),
                                                .room_id = std::string(room_id),
                                                .type = std::string(type)});
  return {};
}

void AccountData::put(std::string user_id, std::string room_id, std::string type,
                      std::string content, std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), room_id = std::move(room_id), type = std::move(type),
       content = std::move(content)](store::Transaction& transaction) {
        return put_in(transaction, user_id, room_id, type, content);
      },
      std::move(done));
}

void AccountData::change(std::string user_id, std::string room_id, std::string type, Change change,
                         std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), room_id = std::move(room_id), type = std::move(type),
       change = std::move(change)](store::Transaction& transaction) mutable -> Result<> {
        GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(), sql_of::AccountDataByType{
                                                                          user_id, room_id, type}));
        GIMS_TRY_ASSIGN(const std::string content,
                        change(row ? std::string_view(row->content) : "{}"));
        return put_in(transaction, user_id, room_id, type, content);
      },
      std::move(done));
}

}  // namespace gims::service

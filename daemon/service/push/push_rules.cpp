#include "service/push/push_rules.hpp"

#include <utility>

#include "service/accounts/account_data.hpp"
#include "store/statements/profiles.hpp"

namespace gims::service {
namespace {

constexpr std::string_view rules_type = "m.push_rules";

Result<matrix::RuleSet> read(sql::Connection& connection, std::string_view user_id) {
  GIMS_TRY_ASSIGN(const auto row, sql::first(connection, store::statements::AccountDataByType{
                                                             user_id, "", rules_type}));
  if (!row) return matrix::RuleSet::defaults(user_id);
  return matrix::RuleSet::load(user_id, row->content);
}

}  // namespace

Result<matrix::RuleSet> PushRules::of(std::string_view user_id) {
  GIMS_TRY_ASSIGN(auto reader, store_.read());
  return read(reader.sql(), user_id);
}

Result<> PushRules::change_in(store::Transaction& transaction, std::string_view user_id,
                              Change change) {
  GIMS_TRY_ASSIGN(matrix::RuleSet rules, read(transaction.sql(), user_id));
  const std::string before = rules.stored();
  GIMS_TRY(change(rules));
  const std::string after = rules.stored();
  if (after == before) return {};
  return AccountData::put_in(transaction, user_id, "", rules_type, after);
}

void PushRules::change(std::string user_id, Change change,
                       std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id),
       change = std::move(change)](store::Transaction& transaction) mutable {
        return change_in(transaction, user_id, std::move(change));
      },
      std::move(done));
}

}  // namespace gims::service

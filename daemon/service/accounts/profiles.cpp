#include "service/accounts/profiles.hpp"

#include <algorithm>
#include <array>

#include "json/text.hpp"
#include "json/value.hpp"
#include "service/errors.hpp"
#include "store/statements/officers.hpp"
#include "store/statements/profiles.hpp"
#include "store/statements/users.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

// Specification 1.16, "Profiles": 64 KiB for the whole, 255 bytes for a name.
constexpr std::size_t largest_profile = std::size_t{64} * 1024;
constexpr std::size_t longest_name = 255;
// What rooms repeat in every membership stays short.
constexpr std::size_t longest_room_field = 1024;

std::unexpected<Error> no_profile() { return not_found("There is no such profile."); }

bool shown_in_rooms(std::string_view name) { return name == "displayname" || name == "avatar_url"; }

Result<> check(std::string_view name, const std::optional<std::string>& json) {
  if (name.empty() || name.size() > longest_name) {
    return fail(ErrorKind::bad_input, "M_KEY_TOO_LARGE",
                "The name of a profile field has 1 to 255 bytes.");
  }
  if (!json || !shown_in_rooms(name)) return {};
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(*json));
  if (!document.root().is_string()) {
    return invalid_param("displayname and avatar_url must be strings.");
  }
  if (json->size() > longest_room_field) {
    return fail(ErrorKind::bad_input, "M_PROFILE_TOO_LARGE",
                "displayname and avatar_url have at most 1,000 bytes.");
  }
  return {};
}

Result<std::string> current(sql::Connection& sql, std::string_view user_id, std::string_view name) {
  GIMS_TRY_ASSIGN(auto row, sql::first(sql, sql_of::ProfileField{user_id, name}));
  return row ? std::move(row->value) : std::string();
}

// What the site says of an officer, in the place of what somebody could say of themselves.
constexpr std::string_view of_the_site = "gims.";

using Names = sql_of::OfficerNames::Row;
struct SiteField {
  std::string_view name;
  std::optional<std::string> Names::* value;
};
constexpr std::array site_fields{SiteField{"gims.department", &Names::department},
                                 SiteField{"gims.designation", &Names::designation},
                                 SiteField{"gims.ministry", &Names::ministry},
                                 SiteField{"gims.section", &Names::section}};

// Whether the owner may change it.
Result<> check_own(sql::Connection& sql, std::string_view user_id, std::string_view name) {
  if (name.starts_with(of_the_site)) {
    return forbidden("Your administrator says where you work.");
  }
  if (name != "displayname") return {};
  GIMS_TRY_ASSIGN(const auto names, sql::first(sql, sql_of::OfficerNames{user_id}));
  if (!names || !names->name) return {};
  return forbidden("Your administrator keeps your name and designation. Ask there for a change.");
}

}  // namespace

Result<Profiles::Fields> Profiles::all(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto user, sql::first(reader.sql(), sql_of::UserById{user_id}));
  if (!user) return no_profile();
  Fields fields;
  GIMS_TRY(sql::for_each(reader.sql(), sql_of::ProfileOfUser{user_id},
                         [&](const auto& row) { fields.emplace_back(row.name, row.value); }));
  GIMS_TRY_ASSIGN(const auto names, sql::first(reader.sql(), sql_of::OfficerNames{user_id}));
  for (const SiteField& field : site_fields) {
    if (names && (*names).*(field.value)) {
      fields.emplace_back(field.name, json::quoted(*((*names).*(field.value))));
    }
  }
  return fields;
}

Result<std::string> Profiles::field(std::string_view user_id, std::string_view name) {
  if (name.starts_with(of_the_site)) {
    GIMS_TRY_ASSIGN(const Fields fields, all(user_id));
    const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
    if (found == fields.end()) return no_profile();
    return found->second;
  }
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(std::string value, current(reader.sql(), user_id, name));
  if (value.empty()) return no_profile();
  return value;
}

void Profiles::set(std::string user_id, std::string name, std::optional<std::string> json,
                   std::move_only_function<void(Result<>)> done) {
  if (auto fine = check(name, json); !fine) return done(std::move(fine));
  store_.writer().submit(
      [this, user_id = std::move(user_id), name = std::move(name),
       json = std::move(json)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY(check_own(sql, user_id, name));
        if (json) {
          GIMS_TRY(sql::run(sql, sql_of::UpsertProfileField{user_id, name, *json}));
          std::size_t size = 0;
          GIMS_TRY(sql::for_each(sql, sql_of::ProfileOfUser{user_id}, [&](const auto& row) {
            size += row.name.size() + row.value.size() + 4;  // quotes, colon, comma
          }));
          if (size > largest_profile) {
            return fail(ErrorKind::bad_input, "M_PROFILE_TOO_LARGE",
                        "A profile has at most 64 KiB in all.");
          }
        } else {
          GIMS_TRY(sql::run(sql, sql_of::DeleteProfileField{user_id, name}));
        }
        if (!shown_in_rooms(name)) return {};
        // Administrators find the account by its name.
        if (name == "displayname") GIMS_TRY(sql::run(sql, sql_of::OfficerIsStale{user_id, 1}));
        GIMS_TRY_ASSIGN(const std::string display_name, current(sql, user_id, "displayname"));
        GIMS_TRY_ASSIGN(const std::string avatar_url, current(sql, user_id, "avatar_url"));
        return rooms_.profile_changed(transaction, user_id, display_name, avatar_url);
      },
      std::move(done));
}

}  // namespace gims::service

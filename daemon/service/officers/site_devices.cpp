#include "service/officers/site_devices.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "json/writer.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/errors.hpp"
#include "service/officers/folding.hpp"
#include "store/statements/devices.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

constexpr std::int64_t forgotten_at_once = 500;

constexpr std::array states{DeviceState::pending, DeviceState::approved, DeviceState::locked,
                            DeviceState::revoked, DeviceState::wiping,   DeviceState::wiped};

bool is_there(DeviceState state) { return state <= DeviceState::locked; }

std::unexpected<Error> no_such_device() { return not_found("The account has no such device."); }

// Where a page ended: "last seen, blank, user, blank, device"; no user id has a blank in it.
struct Place {
  std::int64_t seen = std::numeric_limits<std::int64_t>::max();
  std::string user_id;
  std::string device_id;
};
Result<Place> place_of(const std::string& after) {
  if (after.empty()) return Place{};
  Place place;
  const char* const last = after.data() + after.size();
  const auto [end, error] = std::from_chars(after.data(), last, place.seen);
  const std::size_t first = static_cast<std::size_t>(end - after.data());
  const std::size_t second = first < after.size() ? after.find(' ', first + 1) : std::string::npos;
  if (error != std::errc{} || second == std::string::npos || after[first] != ' ') {
    return invalid_param("after is what the page before gave as next.");
  }
  place.user_id = after.substr(first + 1, second - first - 1);
  place.device_id = after.substr(second + 1);
  return place;
}
std::string text_of(const SiteDevice& device) {
  return std::to_string(device.device.last_seen_ts.value_or(0)) + " " + device.user_id + " " +
         device.device.device_id;
}

auto order_of(const SiteDevice& device) {
  return std::tuple(device.device.last_seen_ts.value_or(0), std::string_view(device.user_id),
                    std::string_view(device.device.device_id));
}

template <class Row>
Device taken_from(Row& row) {
  return {.device_id = std::move(row.device_id),
          .display_name = std::move(row.display_name),
          .created_ts = row.created_ts,
          .last_seen_ts = row.last_seen_ts,
          .last_seen_ip = std::move(row.last_seen_ip),
          .last_seen_agent = std::move(row.last_seen_agent)};
}

template <class Row>
Result<SiteDevice> device_of(Row row) {
  GIMS_TRY_ASSIGN(const DeviceState state, device_state_named(row.state));
  return SiteDevice{.user_id = std::move(row.user_id), .device = taken_from(row), .state = state};
}

template <class Statement>
Result<> take(sql::Connection& sql, const DeviceQuery& query, const Place& from,
              std::vector<SiteDevice>& into) {
  std::optional<std::string> prefix;
  std::optional<std::string> below;
  if (std::string text = folded(query.text); !text.empty()) {
    text.resize(std::min(text.size(), longest_term));
    below = end_of_prefix(text);
    prefix = std::move(text);
  }
  const auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  };
  std::optional<std::string_view> state;
  if (query.state) state = name_of(*query.state);
  GIMS_TRY_ASSIGN(auto rows, sql::all(sql, Statement{.before_seen = from.seen,
                                                     .before_user = from.user_id,
                                                     .before_device = from.device_id,
                                                     .state = state,
                                                     .prefix = view(prefix),
                                                     .below = view(below),
                                                     .unit_id = query.unit_id,
                                                     .count = query.count}));
  for (auto& row : rows) {
    GIMS_TRY_ASSIGN(SiteDevice device, device_of(std::move(row)));
    into.push_back(std::move(device));
  }
  return {};
}

// For the audit log.
std::string detail_of(std::string_view device_id, const std::string& reason) {
  json::Writer out;
  out.begin_object().member("device_id", device_id);
  if (!reason.empty()) out.member("reason", reason);
  out.end_object();
  return out.take();
}

}  // namespace

std::string_view name_of(DeviceState state) noexcept {
  switch (state) {
    case DeviceState::pending:
      return "pending";
    case DeviceState::approved:
      return "approved";
    case DeviceState::locked:
      return "locked";
    case DeviceState::revoked:
      return "revoked";
    case DeviceState::wiping:
      return "wiping";
    case DeviceState::wiped:
      return "wiped";
  }
  return "wiped";
}

Result<DeviceState> device_state_named(std::string_view name) {
  for (const DeviceState state : states) {
    if (name_of(state) == name) return state;
  }
  return invalid_param("A device is pending, approved, locked, revoked, wiping or wiped.");
}

Result<SiteDevices::Page> SiteDevices::page(const DeviceQuery& query) {
  GIMS_TRY_ASSIGN(const Place from, place_of(query.after));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  Page page;
  if (!query.state || is_there(*query.state)) {
    GIMS_TRY(take<sql_of::DevicesPage>(reader.sql(), query, from, page.devices));
  }
  if (!query.state || !is_there(*query.state)) {
    GIMS_TRY(take<sql_of::EndedDevicesPage>(reader.sql(), query, from, page.devices));
  }
  // Of two pages the first of both.
  std::ranges::sort(page.devices, std::ranges::greater{}, order_of);
  const auto count = static_cast<std::size_t>(query.count);
  if (page.devices.size() < count) return page;
  page.devices.resize(count);
  page.next = text_of(page.devices.back());
  return page;
}

Result<std::vector<SiteDevice>> SiteDevices::of_user(std::string_view user_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  std::set<std::string, std::less<>> approved;
  GIMS_TRY(sql::for_each(reader.sql(), sql_of::SignedDevicesOfUser{user_id},
                         [&](const auto& row) { approved.emplace(row.device_id); }));
  GIMS_TRY_ASSIGN(auto rows, sql::all(reader.sql(), sql_of::DevicesOfUser{user_id}));
  std::vector<SiteDevice> devices;
  for (auto& row : rows) {
    DeviceState state =
        approved.contains(row.device_id) ? DeviceState::approved : DeviceState::pending;
    if (row.locked_ts) state = DeviceState::locked;
    devices.push_back({.user_id = std::string(user_id), .device = taken_from(row), .state = state});
  }
  return devices;
}

void SiteDevices::set_locked(std::string user_id, std::string device_id, bool locked,
                             std::string reason, Actor actor,
                             std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [user_id = std::move(user_id), device_id = std::move(device_id), locked,
       reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::DeviceById{user_id, device_id}));
        if (!row) return no_such_device();
        if (row->locked_ts.has_value() == locked) {
          return fail(ErrorKind::conflict, "GIMS_STATE",
                      locked ? "The device is locked already." : "The device is not locked.");
        }
        const auto since = locked ? std::optional(transaction.now_ms()) : std::nullopt;
        GIMS_TRY(sql::run(sql, sql_of::LockDevice{user_id, device_id, since}));
        // Tokens are read again, and a long poll that waits ends.
        transaction.publish(store::DeviceTokensEnded{user_id, device_id});
        GIMS_TRY(device_list_changed(transaction, user_id));
        return audit(transaction, actor, locked ? "device.locked" : "device.unlocked", user_id,
                     detail_of(device_id, reason));
      },
      std::move(done));
}

void SiteDevices::end(std::string user_id, std::string device_id, bool lost, std::string reason,
                      Actor actor, std::move_only_function<void(Result<>)> done) {
  store_.writer().submit(
      [this, user_id = std::move(user_id), device_id = std::move(device_id), lost,
       reason = std::move(reason),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::DeviceById{user_id, device_id}));
        if (!row) return no_such_device();
        const auto view = [](const std::optional<std::string>& text) {
          return text ? std::optional<std::string_view>(*text) : std::nullopt;
        };
        GIMS_TRY(
            sql::run(sql, sql_of::UpsertEndedDevice{
                              .user_id = user_id,
                              .device_id = device_id,
                              .state = name_of(lost ? DeviceState::wiping : DeviceState::revoked),
                              .ended_ts = transaction.now_ms(),
                              .display_name = view(row->display_name),
                              .created_ts = row->created_ts,
                              .last_seen_ts = row->last_seen_ts,
                              .last_seen_ip = view(row->last_seen_ip),
                              .last_seen_agent = view(row->last_seen_agent)}));
        GIMS_TRY(sql::run(sql, sql_of::ForgetWipedTokens{user_id, device_id}));
        if (lost) {
          GIMS_TRY(sql::run(sql, sql_of::RememberAccessTokens{user_id, device_id}));
          GIMS_TRY(sql::run(sql, sql_of::RememberRefreshTokens{user_id, device_id}));
        }
        GIMS_TRY(removal_.remove(transaction, user_id, device_id));
        return audit(transaction, actor, lost ? "device.wipe" : "device.revoke", user_id,
                     detail_of(device_id, reason));
      },
      std::move(done));
}

Result<bool> SiteDevices::forget_some(store::Transaction& transaction) {
  sql::Connection& sql = transaction.sql();
  GIMS_TRY_ASSIGN(const auto old,
                  sql::all(sql, sql_of::OldestEndedDevices{
                                    .before_ts = transaction.now_ms() - SiteDevices::remembered,
                                    .most = forgotten_at_once}));
  for (const auto& row : old) {
    GIMS_TRY(sql::run(sql, sql_of::ForgetWipedTokens{row.user_id, row.device_id}));
    GIMS_TRY(sql::run(sql, sql_of::DeleteEndedDevice{row.user_id, row.device_id}));
  }
  return std::cmp_equal(old.size(), forgotten_at_once);
}

}  // namespace gims::service

#include "app/services.hpp"

#include <optional>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/client/accounts.hpp"
#include "api/client/attestation.hpp"
#include "api/client/calls.hpp"
#include "api/client/encryption.hpp"
#include "api/client/media.hpp"
#include "api/client/rooms.hpp"
#include "api/client/sync.hpp"
#include "app/joints.hpp"
#include "base/log.hpp"
#include "service/accounts/account_data.hpp"
#include "service/accounts/devices.hpp"
#include "service/accounts/interactive_auth.hpp"
#include "service/accounts/passwords.hpp"
#include "service/accounts/profiles.hpp"
#include "service/encryption/cross_signing.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/encryption/key_backup.hpp"
#include "service/encryption/to_device.hpp"
#include "service/filters.hpp"
#include "service/media.hpp"
#include "service/push/notifications.hpp"
#include "service/push/push_rules.hpp"
#include "service/push/pushers.hpp"
#include "service/receipts.hpp"
#include "service/rooms/directory.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/rooms.hpp"
#include "service/schema_migration.hpp"
#include "service/site_status.hpp"
#include "service/store_check.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/sync.hpp"
#include "store/maintenance.hpp"
#include "store/run_on_writer.hpp"
#include "store/statements/meta.hpp"
#include "store/transactions.hpp"

namespace gims::app {
namespace {

constexpr unsigned password_threads = 2;
constexpr std::size_t password_queue = 512;

// A database belongs to one server: its users, rooms and events carry the name. Written by the
// first start.
Result<> check_server_name(store::Store& store, const std::string& server_name) {
  std::optional<std::string> found;
  {
    GIMS_TRY_ASSIGN(auto reader, store.read());
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(reader.sql(), store::statements::MetaValue{.name = "server_name"}));
    if (row) found = row->value;
  }
  if (found && *found != server_name) {
    return fail(ErrorKind::bad_input, "GIMS_SERVER_NAME",
                "The database belongs to the server " + *found + ", and this one is " +
                    server_name + ". Use another data folder.");
  }
  if (found) return {};
  return store::run_on_writer(store.writer(), [&](store::Transaction& transaction) {
    return sql::run(transaction.sql(),
                    store::statements::SetMetaValue{.name = "server_name", .value = server_name});
  });
}

}  // namespace

// In the order in which they are made: each may use those above it. Stores and threads stop in
// Services::stop(), before any of it goes.
struct Services::Parts {
  Parts(ServiceOptions options, SecretBytes slip_key, const Clock& the_clock)
      : clock(the_clock),
        policy(std::move(options.policy)),
        witness(std::move(options.witness)),
        attestation_source(std::move(options.attestation)),
        attestation(attestation_source.get(), clock),
        audit(witness.get()),
        decisions(std::move(options.decisions)),
        slips(std::move(slip_key), clock),
        sessions(service::Tokens(std::move(options.keys.token_hash)), clock, policy),
        passwords({.pepper = std::move(options.keys.pepper), .data = std::move(options.keys.data)},
                  policy.password_cost, password_threads, password_queue),
        two_persons(decisions.get()),
        calls(std::move(options.relay), clock) {}

  const Clock& clock;
  const service::Policy policy;
  const std::unique_ptr<service::AuditWitness> witness;
  const std::unique_ptr<service::AttestationSource> attestation_source;
  service::Attestation attestation;
  // These hear of commits, so the store comes after them.
  service::AuditLog audit;
  const std::unique_ptr<service::KeydDecisions> decisions;
  service::Slips slips;
  service::Sessions sessions;
  service::Passwords passwords;
  service::sync::Feed feed;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<service::Media> media;
  service::TwoPersons two_persons;  // its thread uses the store
  const service::Calls calls;

  struct OnStore {
    explicit OnStore(Parts& parts)
        : store_check(*parts.store, *parts.media),
          maintenance(parts.store->writer(), parts.clock),
          rooms(*parts.store, parts.policy, parts.clock),
          room_reads(*parts.store, parts.clock),
          directory(*parts.store, parts.policy),
          device_keys(*parts.store, parts.policy),
          cross_signing(*parts.store, parts.policy, parts.clock),
          to_device(*parts.store),
          key_backups(*parts.store),
          device_removal(device_keys),
          users(*parts.store, parts.passwords, parts.policy),
          password_check(users, parts.passwords, parts.clock, parts.policy),
          auth(users, password_check, parts.clock, parts.policy),
          devices(*parts.store, device_removal),
          unit_acts(*parts.store),
          profile_in_rooms(rooms),
          profiles(*parts.store, profile_in_rooms),
          organisation(*parts.store),
          officers(*parts.store, users, profile_in_rooms),
          imports(*parts.store, users, officers, parts.clock),
          site_devices(*parts.store, device_removal),
          site_rooms(*parts.store),
          reports(*parts.store),
          account_data(*parts.store),
          filters(*parts.store),
          receipts(*parts.store, rooms),
          push_rules(*parts.store),
          pushers(*parts.store),
          notifications(*parts.store, parts.feed),
          sync(*parts.store, parts.feed, parts.policy, parts.clock),
          site_status(*parts.store, store_check, users, parts.audit, parts.policy, parts.clock,
                      GIMS_VERSION),
          migration(*parts.store),
          authenticator(parts.sessions) {}

    service::StoreCheck store_check;
    store::Maintenance maintenance;
    service::rooms::Rooms rooms;
    service::rooms::RoomReads room_reads;
    service::rooms::Directory directory;
    service::DeviceKeys device_keys;
    service::CrossSigning cross_signing;
    service::ToDevice to_device;
    service::KeyBackups key_backups;
    service::DeviceRemoval device_removal;
    service::Users users;
    service::PasswordCheck password_check;
    service::InteractiveAuth auth;
    service::Devices devices;
    service::UnitActs unit_acts;
    RoomsForProfiles profile_in_rooms;
    service::Profiles profiles;
    service::Organisation organisation;
    service::Officers officers;
    service::Imports imports;
    service::SiteDevices site_devices;
    service::rooms::SiteRooms site_rooms;
    service::Reports reports;
    service::AccountData account_data;
    service::Filters filters;
    service::Receipts receipts;
    service::PushRules push_rules;
    service::Pushers pushers;
    service::Notifications notifications;
    service::sync::Sync sync;
    service::SiteStatus site_status;
    service::SchemaMigration migration;
    SessionAuthenticator authenticator;
  };
  std::optional<OnStore> on;
};

Services::Services(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Services::~Services() { stop(); }

Result<std::unique_ptr<Services>> Services::create(ServiceOptions options, const Clock& clock) {
  const std::filesystem::path database = options.folder / "gims.db";
  service::MediaOptions media{.folder = options.folder / "media",
                              .key = std::move(options.keys.media)};
  const std::filesystem::path certificate = options.folder / "audit.certificate";
  const store::Migrate migrate = options.migrate;
  // Of the key that hides tokens: a copy of the database tries no code either.
  GIMS_TRY_ASSIGN(SecretBytes slip_key, service::Slips::key_of(options.keys.token_hash));
  auto parts = std::make_unique<Parts>(std::move(options), std::move(slip_key), clock);
  if (parts->witness) parts->audit.keep_certificate(certificate.string());
  GIMS_TRY_ASSIGN(parts->store,
                  store::Store::open({.database = database, .migrate = migrate}, clock,
                                     {&parts->sessions, &parts->feed, &parts->audit}));
  parts->feed.start(parts->store->position());
  GIMS_TRY(check_server_name(*parts->store, parts->policy.server_name));
  GIMS_TRY_ASSIGN(parts->media, service::Media::open(std::move(media), *parts->store, parts->policy,
                                                     parts->clock));
  parts->media->sweep([](const Result<std::size_t>& removed) {
    if (!removed) {
      log::failure(log::id::media_file_left, "What an upload left could not be removed.",
                   removed.error());
    } else if (*removed > 0) {
      log::notice(log::id::media_files_removed, "Files left of broken-off uploads were removed.",
                  {{"FILES", std::to_string(*removed)}});
    }
  });
  parts->on.emplace(*parts);
  auto& on = *parts->on;
  parts->slips.attach(*parts->store);
  on.password_check.take_codes(parts->slips);
  parts->sessions.attach(*parts->store, on.users, on.password_check, on.device_removal);
  const auto end_devices = [&removal = on.device_removal](store::Transaction& transaction,
                                                          std::string_view user_id) {
    return removal.remove_all(transaction, user_id, "");
  };
  on.users.at_reset(end_devices);
  on.users.at_deactivation([&rooms = on.rooms, end_devices](store::Transaction& transaction,
                                                            std::string_view user_id) -> Result<> {
    GIMS_TRY(end_devices(transaction, user_id));
    return rooms.leave_all_rooms(transaction, user_id);
  });
  GIMS_TRY(parts->audit.attach(*parts->store));
  GIMS_TRY(parts->two_persons.attach(*parts->store));
  on.maintenance.add("transaction ids", std::chrono::hours(1), &store::prune_transactions);
  on.maintenance.add("what others are told of officers", std::chrono::seconds(10),
                     [&officers = on.officers](store::Transaction& transaction) {
                       return officers.refresh_some(transaction);
                     });
  on.maintenance.add("imports that were cut off", std::chrono::minutes(5),
                     [&imports = on.imports](store::Transaction& transaction) {
                       return imports.clean_some(transaction);
                     });
  on.maintenance.add("rooms that were shut", std::chrono::minutes(5),
                     [&rooms = on.rooms](store::Transaction& transaction) {
                       return rooms.empty_shut_rooms(transaction);
                     });
  on.maintenance.add("devices that were ended", std::chrono::hours(1),
                     &service::SiteDevices::forget_some);
  on.maintenance.add("promised media", std::chrono::hours(1), &service::Media::prune_promises);
  on.maintenance.start();
  return std::unique_ptr<Services>(new Services(std::move(parts)));
}

api::Routes Services::routes(std::function<std::size_t()> connections) {
  auto& on = *parts_->on;
  on.site_status.count_connections(std::move(connections));
  auto& sessions = parts_->sessions;
  const auto& policy = parts_->policy;
  api::Routes all;
  const auto add = [&](api::Routes module) {
    for (api::Route& route : module) all.push_back(std::move(route));
  };
  namespace client = api::client;
  add(client::discovery_routes(policy));
  add(client::session_routes(sessions));
  add(client::registration_routes(on.users, sessions, on.auth, policy));
  add(client::account_routes(on.users, sessions, on.auth));
  add(client::device_routes(on.devices, on.auth));
  add(client::profile_routes(on.profiles, policy));
  add(client::account_data_routes(on.account_data));
  add(client::user_directory_routes(on.users));
  add(client::device_key_routes(on.device_keys));
  add(client::cross_signing_routes(on.cross_signing, on.auth));
  add(client::to_device_routes(on.to_device));
  add(client::key_backup_routes(on.key_backups));
  add(client::all_room_routes(on.rooms, on.room_reads, on.directory));
  add(client::sync_routes(on.sync, on.filters));
  add(client::filter_routes(on.filters));
  add(client::typing_routes(parts_->feed, on.receipts, parts_->clock));
  add(client::receipt_routes(on.receipts));
  add(client::push_rule_routes(on.push_rules));
  add(client::pusher_routes(on.pushers, on.notifications));
  add(client::presence_routes());
  add(client::call_routes(parts_->calls));
  add(client::media_routes(*parts_->media, policy));
  add(client::attestation_routes(parts_->attestation));
  namespace admin = api::admin;
  add(admin::status_routes(on.site_status));
  add(admin::migration_routes(on.migration));
  add(admin::user_routes({.users = on.users,
                          .officers = on.officers,
                          .slips = parts_->slips,
                          .devices = on.site_devices}));
  add(admin::organisation_routes(on.organisation));
  add(admin::import_routes(on.imports));
  add(admin::slip_routes(on.users, parts_->slips));
  add(admin::device_routes(on.users, on.site_devices));
  add(admin::room_routes(on.site_rooms, on.rooms));
  add(admin::report_routes(on.reports));
  add(admin::identity_routes(on.users, parts_->two_persons));
  add(admin::audit_routes(parts_->audit));
  add(admin::unit_routes(on.unit_acts));
  add(admin::attestation_routes(parts_->attestation));
  return all;
}

api::Authenticator& Services::authenticator() noexcept { return parts_->on->authenticator; }
store::Store& Services::store() noexcept { return *parts_->store; }
const service::Policy& Services::policy() const noexcept { return parts_->policy; }
service::Users& Services::users() noexcept { return parts_->on->users; }
service::Sessions& Services::sessions() noexcept { return parts_->sessions; }
const service::StoreCheck& Services::store_check() const noexcept {
  return parts_->on->store_check;
}
const service::AuditLog& Services::audit() const noexcept { return parts_->audit; }

void Services::end_waits() {
  parts_->on->sync.stop();
  parts_->media->end_waits();
  parts_->on->store_check.stop();
  parts_->attestation.stop();
}

void Services::stop() {
  parts_->on->sync.stop();
  parts_->passwords.stop();  // what it has checked goes on to the store
  parts_->on->store_check.stop();
  parts_->on->maintenance.stop();
  parts_->media->stop();
  parts_->two_persons.stop();
  parts_->store->stop();
  parts_->audit.stop();
}

}  // namespace gims::app

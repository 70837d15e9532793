// After a commit that failed nothing of its batch may be left in memory, and reads go on.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "service/media.hpp"
#include "service/rooms/core.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/sync/assembly.hpp"
#include "service/sync/feed.hpp"
#include "store/statements/events.hpp"
#include "support/accounts_fixture.hpp"
#include "support/fault_vfs.hpp"

namespace gims::service {
namespace {

using test::code_of;

// They outlive the store.
struct BelowTheStore {
  test::FaultVfs vfs;
  sync::Feed feed;
};

class FailedCommit : private BelowTheStore, public test::AccountsFixture {
 protected:
  FailedCommit()
      : AccountsFixture(quick_open_policy(), {&feed}, {.database = {}, .vfs = vfs.name()}),
        core(*store, policy, store.clock()) {
    feed.start(store->position());
    EXPECT_TRUE(add_user("desk.officer"));
  }
  static Policy quick_open_policy() {
    Policy policy = test::open_policy();
    policy.password_cost = test::quick_closed_policy().password_cost;
    return policy;
  }

  Result<std::string> say(store::Transaction& transaction, std::string_view room) {
    return core.send_message(transaction, officer, room, "m.room.message", R"({"body":"note"})",
                             "");
  }
  // Starts an operation; it has ended badly when the commit of its batch has.
  template <class Start>
  void expect_failure(Start start) {
    auto promise = std::make_shared<std::promise<std::optional<Error>>>();
    outcomes.push_back(promise->get_future());
    start([promise](auto outcome) {
      promise->set_value(outcome ? std::nullopt : std::optional(std::move(outcome).error()));
    });
  }
  template <class Work>
  void expect_write_failure(Work work) {
    expect_failure([&](auto done) { store->writer().submit(std::move(work), std::move(done)); });
  }
  std::string sync_text(const std::optional<StreamToken>& since) {
    const auto reply = sync::assemble(*store, feed,
                                      {.user_id = officer.user_id,
                                       .device_id = officer.device_id,
                                       .since = since,
                                       .filter = std::make_shared<const sync::Filter>(),
                                       .even_if_empty = true});
    EXPECT_TRUE(reply) << reply.error().detail;
    return reply ? sync::text_of(reply->body) : std::string();
  }
  // The newest event of the room as the writer's thread knows it; "" for a room it does not know.
  // While the writer is idle.
  std::string latest_in_cache(std::string_view room) {
    auto reader = store->read();
    EXPECT_TRUE(reader);
    const auto found = core.timeline().cache().find(reader->sql(), room);
    EXPECT_TRUE(found);
    return found && *found ? (*found)->latest_event() : std::string();
  }

  using BelowTheStore::feed;
  using BelowTheStore::vfs;
  rooms::Core core;
  const rooms::Actor officer{.user_id = id("desk.officer"), .device_id = "PHONE"};
  std::vector<std::future<std::optional<Error>>> outcomes;
};

TEST_F(FailedCommit, LeavesNothingOfItsBatchInMemory) {
  const auto signed_in = login("desk.officer");
  ASSERT_TRUE(signed_in);
  const auto authenticated = [&] {
    return code_of(sessions.authenticate(signed_in->access_token.reveal(), {}, Admit::ready));
  };
  const auto room = store.write([&](store::Transaction& t) { return core.create(t, officer, {}); });
  ASSERT_TRUE(room);
  const auto last = store.write([&](store::Transaction& t) { return say(t, *room); });
  ASSERT_TRUE(last);
  ASSERT_EQ(authenticated(), "");
  settle();
  const std::string whole = sync_text(std::nullopt);
  const StreamToken since{.stream = store->position()};
  const std::string nothing = sync_text(since);
  listener.clear();

  std::string lost_event;
  std::string lost_room;
  {
    const test::HeldWriter held(store->writer());
    vfs.fail(test::Fault::sync_error, 1, "-wal");
    expect_write_failure([&](store::Transaction& t) -> Result<> {
      GIMS_TRY_ASSIGN(lost_event, say(t, *room));
      return {};
    });
    expect_write_failure([&](store::Transaction& t) {
      return core.send_state(
          t, officer, *room,
          {.type = "m.room.topic", .state_key = "", .content = R"({"topic":"x"})"});
    });
    expect_write_failure([&](store::Transaction& t) -> Result<> {
      GIMS_TRY_ASSIGN(lost_room, core.create(t, officer, {}));
      return {};
    });
    expect_write_failure(
        [&](store::Transaction& t) { return device_list_changed(t, officer.user_id); });
    expect_failure([&](auto done) {
      sessions.logout({.user_id = signed_in->user_id, .device_id = signed_in->device_id},
                      std::move(done));
    });
  }
  for (auto& outcome : outcomes) {
    const auto error = outcome.get();
    ASSERT_TRUE(error) << "acknowledged, and not on the disk";
    EXPECT_EQ(error->kind, ErrorKind::unavailable);
  }
  ASSERT_FALSE(lost_event.empty());
  ASSERT_FALSE(lost_room.empty());
  EXPECT_TRUE(store->writer().read_only());

  EXPECT_EQ(latest_in_cache(*room), *last);
  EXPECT_EQ(latest_in_cache(lost_room), "");
  {
    auto reader = store->read();
    ASSERT_TRUE(reader);
    const auto cached = core.timeline().cache().find(reader->sql(), *room);
    ASSERT_TRUE(cached);
    EXPECT_EQ((*cached)->get("m.room.topic", ""), nullptr);
    EXPECT_FALSE(*sql::first(reader->sql(), store::statements::EventById{.event_id = lost_event}));
  }
  EXPECT_TRUE(listener.all<store::EventAdded>().empty());
  EXPECT_TRUE(listener.all<store::DeviceListChanged>().empty());
  EXPECT_EQ(feed.position(), since.stream);
  EXPECT_EQ(sync_text(since), nothing);
  EXPECT_EQ(sync_text(std::nullopt), whole);
  EXPECT_EQ(authenticated(), "") << "the logout was refused";
}

TEST_F(FailedCommit, LetsReadsGoOn) {
  const auto signed_in = login("desk.officer");
  ASSERT_TRUE(signed_in);
  const auto room = store.write([&](store::Transaction& t) { return core.create(t, officer, {}); });
  ASSERT_TRUE(room);
  vfs.fail(test::Fault::disk_full, 1, "-wal");
  EXPECT_FALSE(store.write([&](store::Transaction& t) { return say(t, *room); }));
  ASSERT_TRUE(store->writer().read_only());
  vfs.heal();
  EXPECT_EQ(store.write([&](store::Transaction& t) { return say(t, *room); }).error().kind,
            ErrorKind::unavailable)
      << "until a restart";
  // Nothing of these is in memory.
  EXPECT_EQ(code_of(sessions.authenticate(signed_in->access_token.reveal(), {}, Admit::ready)), "");
  rooms::RoomReads reads(*store, store.clock());
  EXPECT_EQ(code_of(reads.state(officer, *room)), "");
  EXPECT_TRUE(sync_text(std::nullopt).contains(*room));
}

// Nobody knows whether the row of a file is on the disk, until the next start reads it.
TEST(FailedCommitOfMedia, KeepsTheFileUntilARestartTells) {
  namespace fs = std::filesystem;
  for (const test::Fault fault : {test::Fault::sync_error, test::Fault::disk_full}) {
    test::FaultVfs vfs;
    test::StoreUnderTest store({}, {.database = {}, .vfs = vfs.name()});
    Policy policy = test::closed_policy();
    policy.media_reserve = 0;
    const fs::path folder = store.folder() / "media";
    const auto open = [&] {
      return *Media::open({.folder = folder, .key = test::key_of(7)}, *store, policy,
                          store.clock());
    };
    const auto swept = [](Media& media) {
      return test::RoomsFixture::wait<std::size_t>(
          [&](auto done) { media.sweep(std::move(done)); });
    };
    const auto files = [&] {
      return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    };
    auto media = open();
    auto upload = media->begin({.owner = "@desk.officer:gims.internal",
                                .content_type = "text/plain",
                                .file_name = std::nullopt});
    ASSERT_TRUE(upload);
    ASSERT_TRUE((*upload)->write(std::string_view("note")));
    vfs.fail(fault, 1, "-wal");
    const auto refused = test::RoomsFixture::wait<std::string>(
        [&](auto done) { media->finish(std::move(*upload), std::move(done)); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    const auto begun = media->begin({.owner = "@desk.officer:gims.internal",
                                     .content_type = "text/plain",
                                     .file_name = std::nullopt});
    ASSERT_FALSE(begun) << "its file could have no row";
    EXPECT_EQ(begun.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(begun.error().code, "M_UNKNOWN");
    EXPECT_EQ(begun.error().detail, "the store is read-only");
    EXPECT_EQ(swept(*media), 0U);
    ASSERT_EQ(files(), 1);

    const std::string media_id = fs::directory_iterator(folder)->path().filename();
    media->stop();
    vfs.heal();
    store.reopen();
    media = open();
    const bool has_row = media->find(policy.server_name, media_id).has_value();
    EXPECT_EQ(swept(*media), has_row ? 0U : 1U);
    EXPECT_EQ(files(), has_row ? 1 : 0);
    media->stop();
    media.reset();
    store.close();
  }
}

}  // namespace
}  // namespace gims::service

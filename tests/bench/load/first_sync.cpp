// The first sync of an account that is in many rooms, with ten messages in each: what a new device
// waits for. Once the rooms are made the server has them in its memory; that it has nothing there
// is measured by "first-sync-cold", which follows on a server that was started again with the same
// accounts and rooms.
#include "bench/load/senders.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t owners_count = 20;
constexpr std::size_t messages = 10;
constexpr int repeats = 20;

// A room by one of the others, with the messages in it, that `member` is in.
void make_room(Device& owner, Device& member, const Finished& finished) {
  const std::string body = R"({"preset":"private_chat","invite":[")" + member.user_id() + R"("]})";
  create_room(owner, body, [&owner, &member, finished](const std::string& room) {
    join_room(member, room, [&owner, room, finished] {
      auto left = std::make_shared<std::size_t>(messages);
      auto next = std::make_shared<std::function<void()>>();
      *next = [&owner, room, finished, left, weak = std::weak_ptr(next)] {
        if (*left == 0) return finished();
        --*left;
        owner.send(room, "s", [again = weak.lock()] { (*again)(); });
      };
      (*next)();
    });
  });
}

// The answer to a sync that is right has all the rooms.
void first_syncs(Context& context, Device& member, int count, Samples& times) {
  std::size_t bytes = 0;
  context.meter.begin();
  for (int i = 0; i < count; ++i) {
    bool answered = false;
    const Time start = Clock::now();
    member.ask("GET", "/_matrix/client/v3/sync?timeout=0", {}, [&](std::string_view answer) {
      times.add(Clock::now() - start);
      bytes = answer.size();
      answered = true;
      if (i > 0) return;
      const std::size_t rooms = parsed(answer).root().get("rooms").get("join").size();
      if (rooms != context.clients) give_up("the sync has " + std::to_string(rooms) + " rooms");
    });
    context.loop.run_until([&] { return answered; }, "a first sync");
  }
  const ProcessorTimes used = context.meter.end();
  context.report.figure("first_sync_bytes", static_cast<double>(bytes));
  context.report.processor("cpu_us_per_first_sync", used, count);
}

}  // namespace

void first_sync(Context& context) {
  auto devices = make_devices(context.loop, context.target, context.accounts, owners_count + 1);
  Device& member = *devices.back();
  // By turns, as a device has one request at a time, and the member joins one room after the other.
  for_each_index(context.loop, context.clients, 1, "rooms",
                 [&](std::size_t i, const Finished& finished) {
                   make_room(*devices[i % owners_count], member, finished);
                 });
  Samples times;
  first_syncs(context, member, repeats, times);
  context.report.times("first_sync", times);
}

void first_sync_cold(Context& context) {
  auto devices = make_devices(context.loop, context.target, context.accounts, owners_count + 1);
  Samples times;
  first_syncs(context, *devices.back(), 1, times);
  context.report.times("first_sync_cold", times);
}

}  // namespace gims::bench

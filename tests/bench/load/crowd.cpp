#include "bench/load/crowd.hpp"

#include <utility>

namespace gims::bench {

Crowd::Crowd(Context& context)
    : context_(context),
      members_(make_devices(context.loop, context.target, context.accounts, context.clients)),
      since_(members_.size()) {
  owner_ = std::make_unique<Device>(context.loop, context.target, members_.size(),
                                    context.accounts.at(members_.size()));
  create_room(*owner_, R"({"preset":"public_chat"})",
              [this](std::string room) { room_ = std::move(room); });
  context.loop.run_until([this] { return !room_.empty(); }, "the room");
  for_each_index(context.loop, members_.size(), 16, "joins", [&](std::size_t i, Finished finished) {
    join_room(*members_[i], room_, std::move(finished));
  });
  // Only when all are in: nobody is to hear of joins later. Without each other's memberships, which
  // would be gigabytes in a large room.
  for (const auto& member : members_) member->set_filter(lazy_members);
  for_each_index(
      context.loop, members_.size(), 16, "first syncs", [&](std::size_t i, Finished finished) {
        members_[i]->sync({}, 0, [this, i, finished = std::move(finished)](json::Value first) {
          since_[i] = first.get("next_batch").string_or("");
          finished();
        });
      });
  for (const auto& member : members_) member->set_filter({});
}

void Crowd::wait() {
  for (std::size_t i = 0; i < members_.size(); ++i) poll(i);
}

void Crowd::poll(std::size_t member) {
  members_[member]->sync(since_[member], 120'000, [this, member](json::Value news) {
    since_[member] = news.get("next_batch").string_or("");
    const json::Value room = news.get("rooms").get("join").get(room_);
    for (const json::Value event : room.get("timeline").get("events").array()) {
      if (event.get("content").get("session_id").string_or("") != label_) continue;
      ++have_;
      arrivals_.add(Clock::now() - sent_);
      return;
    }
    poll(member);  // something else
  });
}

void Crowd::send_to_all() {
  label_ = "m" + std::to_string(messages_++);
  have_ = 0;
  bool answered = false;
  sent_ = Clock::now();
  owner_->send(room_, label_, [&answered] { answered = true; });
  context_.loop.run_until([&] { return answered && have_ == members_.size(); },
                          "a message for all");
}

}  // namespace gims::bench

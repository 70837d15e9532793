// Push rules on hostile bodies: each line of the input but the last is the body of a rule, the last
// the content of an event. Whatever is accepted comes back from the store as it was and is
// evaluated to the same end.
#include "matrix/push_rules.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "matrix/event_builder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::matrix;  // NOLINT(google-build-using-namespace)
  constexpr std::string_view user = "@desk.officer:gims.internal";
  constexpr std::array kinds{RuleKind::override_, RuleKind::content, RuleKind::room,
                             RuleKind::sender, RuleKind::underride};
  std::string_view rest(reinterpret_cast<const char*>(data), size);

  RuleSet rules = RuleSet::defaults(user);
  std::size_t number = 0;
  for (; number < 16; ++number) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    const auto body = gims::json::Document::parse(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (!body) continue;
    const std::string before = rules.json();
    const auto put =
        rules.put(kinds[number % kinds.size()], "r" + std::to_string(number % 7), body->root());
    GIMS_CHECK(put || rules.json() == before);
  }
  const auto again = RuleSet::load(user, rules.stored());
  GIMS_CHECK(again && again->json() == rules.json());
  GIMS_CHECK(gims::json::Document::parse(rules.json()));

  const auto event = build_event(room_version_11(), {.room_id = "!room:gims.internal",
                                                     .type = "m.room.message",
                                                     .sender = "@clerk:gims.internal",
                                                     .content = rest});
  if (!event) return 0;
  const RoomContext room{.joined_members = 3, .display_name = "Desk Officer", .sender_level = 50};
  const PushResult first = rules.evaluate(**event, room);
  const PushResult second = again->evaluate(**event, room);
  GIMS_CHECK(first.notify == second.notify && first.actions_json == second.actions_json);
  return 0;
}

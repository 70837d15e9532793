// Event authorisation on hostile events: a room is made of the lines of the input, each an event
// that takes part in the state if it is authorised. The first byte chooses the room version.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "matrix/auth_rules.hpp"
#include "matrix/event.hpp"
#include "matrix/redact.hpp"
#include "matrix/room_version.hpp"
#include "matrix/state_view.hpp"

namespace {

using namespace gims::matrix;  // NOLINT(google-build-using-namespace)

class MapState final : public StateView {
 public:
  EventPtr get(std::string_view type, std::string_view state_key) const override {
    const auto found = events_.find({std::string(type), std::string(state_key)});
    return found == events_.end() ? nullptr : found->second;
  }
  void put(const EventPtr& event) {
    events_[{std::string(event->type()), std::string(*event->state_key())}] = event;
  }

 private:
  std::map<std::pair<std::string, std::string>, EventPtr> events_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto versions = room_versions();
  const RoomVersion& version = versions[data[0] % versions.size()];
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);

  MapState state;
  bool created = false;
  for (int events = 0; events < 64 && !rest.empty(); ++events) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const auto event = Event::parse(version, line);
    if (!event) continue;
    // What was parsed is stored and read back as the same event.
    const auto stored = Event::from_store(version, (*event)->event_id(), (*event)->bytes());
    GIMS_CHECK(stored && (*stored)->bytes() == (*event)->bytes());
    // Redaction keeps the event's id, and what it has left it leaves again.
    const auto once = redacted_pdu(version, (*event)->json());
    GIMS_CHECK(once);
    const auto stripped = Event::parse(version, *once);
    GIMS_CHECK(stripped && (*stripped)->event_id() == (*event)->event_id());
    const auto twice = redacted_pdu(version, (*stripped)->json());
    GIMS_CHECK(twice && *twice == *once);

    const bool allowed = authorise(version, **event, state).has_value();
    GIMS_CHECK(allowed == authorise(version, **stored, state).has_value());
    if (!allowed) continue;
    // Nothing comes before the create event. A second one is allowed by the rules on its own, since
    // they look at no state for it, and even one that is no state event; but neither is of this
    // room.
    const bool create = (*event)->type() == "m.room.create";
    GIMS_CHECK(created || create);
    if (created && create) continue;
    created = true;
    if ((*event)->is_state()) state.put(*event);
  }
  return 0;
}

#include "service/unit_acts.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "json/writer.hpp"
#include "service/errors.hpp"
#include "store/audit.hpp"

namespace gims::service {
namespace {

constexpr std::string_view prefix = "unit.";
constexpr std::array<std::string_view, 4> steps{"begun", "done", "refused", "failed"};

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= UnitActs::longest_name &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

Result<> check(const UnitAct& act) {
  if (!act.act.starts_with(prefix) || act.act.size() == prefix.size() || !is_word(act.act)) {
    return invalid_param("An act of the unit is named unit.…");
  }
  if (!is_word(act.at)) return invalid_param("at is the console where it was asked for.");
  if (std::ranges::find(steps, act.step) == steps.end()) {
    return invalid_param("step is begun, done, refused or failed.");
  }
  if (act.text.size() > UnitActs::longest_text) {
    return invalid_param("text has at most 1024 bytes.");
  }
  return {};
}

}  // namespace

void UnitActs::enter(UnitAct act, Actor actor, std::move_only_function<void(Result<>)> done) {
  if (auto checked = check(act); !checked) return done(std::move(checked));
  store_.writer().submit(
      [act = std::move(act), actor = std::move(actor)](store::Transaction& transaction) {
        json::Writer detail;
        detail.begin_object().member("step", act.step).member("text", act.text).end_object();
        const std::string text = detail.take();
        return store::append_audit(transaction, {.actor = actor.name,
                                                 .origin = "console " + act.at,
                                                 .act = act.act,
                                                 .target = "",
                                                 .detail = text});
      },
      std::move(done));
}

}  // namespace gims::service

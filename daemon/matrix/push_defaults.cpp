// The rules every user has (spec: client-server API, "Predefined Rules"), of the versions up
// to 1.13 that we advertise: those that m.mentions replaced are still among them.
#include "base/check.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "matrix/push_rule.hpp"

namespace gims::matrix::detail {
namespace {

constexpr std::string_view nothing = "[]";
constexpr std::string_view notify = R"(["notify"])";
constexpr std::string_view with_sound = R"(["notify",{"set_tweak":"sound","value":"default"}])";
constexpr std::string_view with_ring = R"(["notify",{"set_tweak":"sound","value":"ring"}])";
constexpr std::string_view highlighted = R"(["notify",{"set_tweak":"highlight"}])";
constexpr std::string_view highlighted_with_sound =
    R"(["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}])";

// `conditions` is JSON of ours.
Rule rule(std::string_view id, std::string_view conditions, std::string_view actions) {
  std::string text = R"({"conditions":)";
  text.append(conditions).append(R"(,"actions":)").append(actions).append("}");
  const auto document = json::Document::parse(text);
  GIMS_CHECK(document);
  auto made = read_rule(RuleKind::override_, id, document->root());
  GIMS_CHECK(made);
  made->is_default = true;
  return *std::move(made);
}

Rule without_mentions(Rule rule) {
  rule.only_without_mentions = true;
  return rule;
}

Rule switched_off(Rule rule) {
  rule.enabled = false;
  return rule;
}

// [{"kind":<kind>,"key":<key>,<member>:<text>}, ...]
class Conditions {
 public:
  Conditions() { out_.begin_array(); }
  Conditions& match(std::string_view key, std::string_view pattern) {
    out_.begin_object().member("kind", "event_match").member("key", key);
    out_.member("pattern", pattern).end_object();
    return *this;
  }
  Conditions& property(std::string_view kind, std::string_view key, std::string_view json) {
    out_.begin_object().member("kind", kind).member("key", key);
    out_.raw_member("value", json).end_object();
    return *this;
  }
  Conditions& other(std::string_view json) {
    out_.raw(json);
    return *this;
  }
  [[nodiscard]] std::string text() { return out_.end_array().take(); }

 private:
  json::Writer out_;
};

constexpr std::string_view may_notify_room =
    R"({"kind":"sender_notification_permission","key":"room"})";
constexpr std::string_view two_members = R"({"kind":"room_member_count","is":"2"})";

std::vector<Rule> override_rules(std::string_view user_id) {
  const std::string user = json::quoted(user_id);
  return {
      switched_off(rule(".m.rule.master", "[]", nothing)),
      rule(".m.rule.suppress_notices", Conditions().match("content.msgtype", "m.notice").text(),
           nothing),
      rule(".m.rule.invite_for_me",
           Conditions()
               .match("type", "m.room.member")
               .match("content.membership", "invite")
               .match("state_key", user_id)
               .text(),
           with_sound),
      rule(".m.rule.member_event", Conditions().match("type", "m.room.member").text(), nothing),
      rule(".m.rule.is_user_mention",
           Conditions()
               .property("event_property_contains", R"(content.m\.mentions.user_ids)", user)
               .text(),
           highlighted_with_sound),
      without_mentions(rule(".m.rule.contains_display_name",
                            R"([{"kind":"contains_display_name"}])", highlighted_with_sound)),
      rule(".m.rule.is_room_mention",
           Conditions()
               .property("event_property_is", R"(content.m\.mentions.room)", "true")
               .other(may_notify_room)
               .text(),
           highlighted),
      without_mentions(rule(
          ".m.rule.roomnotif",
          Conditions().match("content.body", "@room").other(may_notify_room).text(), highlighted)),
      rule(".m.rule.tombstone",
           Conditions().match("type", "m.room.tombstone").match("state_key", "").text(),
           highlighted),
      rule(".m.rule.reaction", Conditions().match("type", "m.reaction").text(), nothing),
      rule(".m.rule.room.server_acl",
           Conditions().match("type", "m.room.server_acl").match("state_key", "").text(), nothing),
      rule(".m.rule.suppress_edits",
           Conditions()
               .property("event_property_is", R"(content.m\.relates_to.rel_type)", R"("m.replace")")
               .text(),
           nothing),
  };
}

std::vector<Rule> content_rules(std::string_view user_id) {
  Rule name = without_mentions(rule(".m.rule.contains_user_name", "[]", highlighted_with_sound));
  const auto parts = parse_user_id(user_id);
  name.pattern = parts ? parts->localpart : user_id;
  return {std::move(name)};
}

std::vector<Rule> underride_rules() {
  return {
      rule(".m.rule.call", Conditions().match("type", "m.call.invite").text(), with_ring),
      rule(".m.rule.encrypted_room_one_to_one",
           Conditions().other(two_members).match("type", "m.room.encrypted").text(), with_sound),
      rule(".m.rule.room_one_to_one",
           Conditions().other(two_members).match("type", "m.room.message").text(), with_sound),
      rule(".m.rule.message", Conditions().match("type", "m.room.message").text(), notify),
      rule(".m.rule.encrypted", Conditions().match("type", "m.room.encrypted").text(), notify),
  };
}

}  // namespace

std::vector<Rule> default_rules(RuleKind kind, std::string_view user_id) {
  switch (kind) {
    case RuleKind::override_:
      return override_rules(user_id);
    case RuleKind::content:
      return content_rules(user_id);
    case RuleKind::underride:
      return underride_rules();
    case RuleKind::room:
    case RuleKind::sender:
      break;
  }
  return {};
}

}  // namespace gims::matrix::detail

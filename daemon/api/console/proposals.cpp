// What takes two administrators.
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "api/console/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/decode.hpp"
#include "api/console/encode.hpp"
#include "api/finish.hpp"
#include "crypto/bytes.hpp"
#include "json/fields.hpp"
#include "service/console/proposal_request.hpp"
#include "service/errors.hpp"

namespace gims::api::console {
namespace {

using service::console::ApprovalAsked;
using service::console::every_role;
using service::console::ProposalApproved;
using service::console::Proposals;
using service::console::ProposalShown;
using service::console::Role;

constexpr std::size_t longest_signature = 72;

void write_proposal(json::Writer& out, const ProposalShown& one) {
  const auto& [action, body] = one.request;
  out.begin_object().member("proposal_id", one.id);
  out.member("action", service::console::action_name(action, body));
  out.raw_member("request", service::console::proposal_json(action, body));
  out.member("text", one.text).member("proposed_by", one.proposed_by);
  out.member("proposed_ts", one.proposed_ts).member("expires_ts", one.expires_ts);
  out.member("state", service::console::name_of(one.state)).key("approved_by").begin_array();
  for (const std::string& name : one.approved_by) out.value(name);
  out.end_array().member("needed", hsm::needed_persons);
  out.member("challenge", crypto::base64(one.challenge, crypto::Alphabet::url_safe));
  out.member("redeemable", one.redeemable);
  if (!one.outcome.empty()) out.member("outcome", one.outcome);
  out.end_object();
}

std::string proposal_json(const ProposalShown& one) {
  json::Writer out;
  write_proposal(out, one);
  return out.take();
}

std::string list_json(const std::vector<ProposalShown>& all) {
  json::Writer out;
  out.begin_object().key("proposals").begin_array();
  for (const ProposalShown& one : all) write_proposal(out, one);
  out.end_array().end_object();
  return out.take();
}

std::string approved_json(const ProposalApproved& approved) {
  json::Writer out;
  out.begin_object().member("missing", approved.missing).member("text", approved.text);
  out.key("proposal");
  write_proposal(out, approved.proposal);
  out.end_object();
  return out.take();
}

std::string redeemed_json(const ProposalShown& one) {
  json::Writer out;
  out.begin_object().key("proposal");
  write_proposal(out, one);
  out.member("text", one.outcome).end_object();
  return out.take();
}

Result<std::uint32_t> id_of(const Call& call) {
  const std::string_view text = call.param("proposalId");
  std::uint32_t id = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, id);
  if (error != std::errc{} || end != last || id == 0) {
    return service::invalid_param("proposalId is a number of gims-keyd's.");
  }
  return id;
}

// {"webauthn": AssertionJson}, or {"signature": ...} of the key of a file.
Result<hsm::approval::Assertion> decode_approval(json::Value body) {
  if (body.get("signature")) {
    GIMS_TRY(only(body, {"signature"}));
    hsm::approval::Assertion assertion;
    GIMS_TRY_ASSIGN(assertion.signature, bytes_of(body, "signature", longest_signature));
    return assertion;
  }
  GIMS_TRY(only(body, {"webauthn"}));
  GIMS_TRY_ASSIGN(const json::Value webauthn, json::required_object(body, "webauthn"));
  GIMS_TRY_ASSIGN(auto yes, decode_assertion(webauthn));
  return std::move(yes.assertion);
}

void propose(Proposals& proposals, Call call) {
  auto request = service::console::decode_proposal(call.body(), proposals.site());
  if (!request) return std::move(call).error(request.error());
  const auto session = session_of(call);
  proposals.propose(session, std::move(*request),
                    answer<ProposalShown>(std::move(call), proposal_json));
}

void list(Proposals& proposals, Call call) {
  proposals.list(answer<std::vector<ProposalShown>>(std::move(call), list_json));
}

// Of one proposal, by its number.
template <class Run>
auto by_number(Proposals& proposals, Run run) {
  return [&proposals, run](Call call) {
    const auto id = id_of(call);
    if (!id) return std::move(call).error(id.error());
    run(proposals, *id, std::move(call));
  };
}

void show(Proposals& proposals, std::uint32_t id, Call call) {
  proposals.find(id, answer<ProposalShown>(std::move(call), proposal_json));
}

void withdraw(Proposals& proposals, std::uint32_t id, Call call) {
  const auto session = session_of(call);
  proposals.withdraw(session, id, answer_empty(std::move(call)));
}

void ask(Proposals& proposals, std::uint32_t id, Call call) {
  const auto session = session_of(call);
  proposals.ask(
      session, id,
      answer<ApprovalAsked>(std::move(call), [site = proposals.site()](const ApprovalAsked& asked) {
        json::Writer out;
        out.begin_object().key("webauthn");
        write_request_options(out, asked.challenge, site, std::span(&asked.key, 1));
        out.end_object();
        return out.take();
      }));
}

void approve(Proposals& proposals, std::uint32_t id, Call call) {
  auto assertion = decode_approval(call.body());
  if (!assertion) return std::move(call).error(assertion.error());
  const auto session = session_of(call);
  proposals.approve(session, id, std::move(*assertion),
                    answer<ProposalApproved>(std::move(call), approved_json));
}

void redeem(Proposals& proposals, std::uint32_t id, Call call) {
  const auto session = session_of(call);
  proposals.redeem(session, id, answer<ProposalShown>(std::move(call), redeemed_json));
}

}  // namespace

Routes proposal_routes(Proposals& proposals) {
  using http::Method;
  const service::console::Roles deciding{Role::administrator, Role::security_officer};
  Routes routes;
  routes.push_back(session_route(Method::get, "/_gims/admin/v1/proposals", BodyKind::none,
                                 for_roles(every_role),
                                 [&proposals](Call call) { list(proposals, std::move(call)); }));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/proposals", BodyKind::json_object,
                                 for_fresh(deciding),
                                 [&proposals](Call call) { propose(proposals, std::move(call)); }));
  routes.push_back(session_route(Method::get, "/_gims/admin/v1/proposals/{proposalId}",
                                 BodyKind::none, for_roles(every_role),
                                 by_number(proposals, &show)));
  routes.push_back(session_route(Method::del, "/_gims/admin/v1/proposals/{proposalId}",
                                 BodyKind::none, for_roles(deciding),
                                 by_number(proposals, &withdraw)));
  routes.push_back(session_route(
      Method::post, "/_gims/admin/v1/proposals/{proposalId}/approve/start",
      BodyKind::json_object_or_empty, for_roles(deciding), by_number(proposals, &ask)));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/proposals/{proposalId}/approve",
                                 BodyKind::json_object, for_roles(deciding),
                                 by_number(proposals, &approve)));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/proposals/{proposalId}/redeem",
                                 BodyKind::json_object_or_empty, for_roles(deciding),
                                 by_number(proposals, &redeem)));
  return routes;
}

}  // namespace gims::api::console

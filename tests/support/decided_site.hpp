// A site whose administrators a test is.
#pragma once

#include <initializer_list>
#include <string>

#include "hsm/approval/registry.hpp"
#include "support/approval_signer.hpp"
#include "support/keyd_site.hpp"

namespace gims::test {

inline hsm::Bytes encoded(const hsm::approval::Assertion& assertion) {
  hsm::Bytes room(hsm::max_assertion);
  hsm::Writer writer(room);
  encode(writer, assertion);
  return {writer.body().begin(), writer.body().end()};
}

class DecidedSite : public KeydSite {
 public:
  DecidedSite() { provisioned(); }

  hsm::ProposalReply propose(const hsm::ProposeRequest& request) {
    auto proposal = custodian().propose(request);
    EXPECT_TRUE(proposal) << proposal.error().text;
    return proposal ? *proposal : hsm::ProposalReply{};
  }
  // "1 missing", what was done, or the code of the refusal.
  std::string approve(const hsm::ProposalReply& proposal, const Signer& signer,
                      std::uint32_t counter = 0) {
    const auto reply = custodian().approve(
        {.id = proposal.id, .assertion = encoded(signer.approve(proposal.challenge, counter))});
    if (!reply) return reply.error().code;
    return reply->missing > 0 ? std::to_string(reply->missing) + " missing" : reply->text;
  }
  // By both: the number of what somebody else carries out.
  std::uint32_t approved(const hsm::ProposeRequest& request) {
    const hsm::ProposalReply proposal = propose(request);
    for (const Signer* signer : {&asha(), &bimal()}) approve(proposal, *signer);
    return proposal.id;
  }
  // By both.
  std::string decide(const hsm::ProposeRequest& request) {
    const hsm::ProposalReply proposal = propose(request);
    EXPECT_EQ(approve(proposal, asha()), "1 missing");
    return approve(proposal, bimal());
  }
};

}  // namespace gims::test

// gims-keyd's list of administrators, as a test writes it.
#pragma once

#include <mutex>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "service/console/keyd.hpp"

namespace gims::test {

class ListedAdministrators : public service::console::KeydApprovals {
 public:
  Result<hsm::approval::Registry> administrators() override {
    const std::scoped_lock lock(mutex_);
    return registry_;
  }
  Result<hsm::ProposalReply> propose(const hsm::ProposeRequest&) override { return gone(); }
  Result<std::vector<hsm::ProposalReply>> proposals() override { return gone(); }
  Result<hsm::ApproveReply> approve(const hsm::ApproveRequest&) override { return gone(); }
  Result<> withdraw(std::uint32_t) override { return gone(); }

  void add(const hsm::approval::Administrator& one) {
    const std::scoped_lock lock(mutex_);
    GIMS_CHECK(registry_.add(one).has_value());
  }
  void remove(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    GIMS_CHECK(registry_.remove(name).has_value());
  }

 private:
  static std::unexpected<Error> gone() {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "gims-keyd does not answer.");
  }
  std::mutex mutex_;
  hsm::approval::Registry registry_;
};

}  // namespace gims::test

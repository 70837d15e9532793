// The audit log in a file, and whether it is whole: checked without gimsd, gims-keyd or a TPM.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/commands.hpp"
#include "hsm/proto/messages.hpp"
#include "json/value.hpp"

namespace gims::ctl {

inline constexpr std::size_t max_audit_export = std::size_t{256} << 20U;

// {"version":1,"entries":[…],"certificate":…}: gimsd's pages put together; the certificate is null
// where there is none.
[[nodiscard]] std::string exported_audit(const std::vector<json::Document>& pages,
                                         json::Value certificate);

// Every entry, the entry that the TPM certified, and, with `evidence_file`, the head of which a
// unit told since. The outcome says in words what does not hold (Exit::refused).
[[nodiscard]] Result<Outcome> verify_audit_file(const std::string& file,
                                                const std::string& evidence_file);

// What is wrong where the log has this hash for the entry that the TPM certified (nothing: it has
// no such entry). Empty: nothing is.
[[nodiscard]] std::string fault_of_entry(const hsm::AuditHead& certified,
                                         std::optional<std::string_view> hash);

}  // namespace gims::ctl

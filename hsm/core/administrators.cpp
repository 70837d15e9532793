#include "hsm/core/administrators.hpp"

#include "hsm/approval/change.hpp"

namespace gims::hsm {

Bytes list_of(const approval::Registry& registry) {
  Bytes room(max_administrators_list);
  Writer writer(room);
  encode(writer, registry);
  return {writer.body().begin(), writer.body().end()};
}

Result<approval::Registry> registry_of(BytesView list) {
  auto registry = approval::decode_registry(list);
  if (!registry) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The list of administrators in it is damaged.");
  }
  return registry;
}

Result<> check_new_list(BytesView list) {
  GIMS_TRY_ASSIGN(const approval::Registry registry, approval::decode_registry(list));
  return of_approval(approval::check_enough(registry));
}

}  // namespace gims::hsm

// One operation of the writer, for a caller that waits for it.
#pragma once

#include <future>
#include <type_traits>
#include <utility>

#include "store/writer.hpp"

namespace gims::store {

// Runs `work` as Writer::submit() does and waits for its commit. Thread: one that may block, so no
// loop's, and not the writer's own, which would wait for itself.
template <class Work>
[[nodiscard]] std::invoke_result_t<Work&, Transaction&> run_on_writer(Writer& writer, Work work) {
  std::promise<std::invoke_result_t<Work&, Transaction&>> promise;
  auto outcome = promise.get_future();
  writer.submit(std::move(work), [&promise](auto done) { promise.set_value(std::move(done)); });
  return outcome.get();
}

}  // namespace gims::store

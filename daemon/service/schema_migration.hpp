// Bringing the database to this release's schema while the site works, once a start of the release
// was told to be good: until then the release before it could serve the same database again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/accounts/users.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class SchemaMigration {
 public:
  explicit SchemaMigration(store::Store& store) noexcept : store_(store) {}

  // Gives the names of the migrations that were made, oldest first; none where the database has
  // them all. Each is one operation of the writer, with its entry in the audit log: a stop in
  // between leaves a version, never a half, and the next run goes on from there. Reads go on
  // meanwhile, and writes wait. `done` runs on the writer's thread, or at once with an error.
  using Done = std::move_only_function<void(Result<std::vector<std::string>>)>;
  void run(Actor actor, Done done);

 private:
  struct Work;
  void next(std::unique_ptr<Work> work);

  store::Store& store_;
};

}  // namespace gims::service

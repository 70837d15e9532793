#include "service/schema_migration.hpp"

#include <memory>
#include <span>
#include <utility>

#include "json/writer.hpp"
#include "store/audit.hpp"

namespace gims::service {

struct SchemaMigration::Work {
  std::span<const store::Migration> steps;  // those that are left
  Actor actor;
  std::vector<std::string> made;
  Done done;
};

void SchemaMigration::run(Actor actor, Done done) {
  const auto steps = store_.pending();
  if (!steps) return done(std::unexpected(steps.error()));
  auto work = std::make_unique<Work>();
  work->steps = *steps;
  work->actor = std::move(actor);
  work->done = std::move(done);
  next(std::move(work));
}

void SchemaMigration::next(std::unique_ptr<Work> work) {
  if (work->steps.empty()) return work->done(std::move(work->made));
  const store::Migration& step = work->steps.front();
  Actor actor = work->actor;
  store_.writer().submit(
      [&step, actor = std::move(actor)](store::Transaction& transaction) -> Result<bool> {
        GIMS_TRY_ASSIGN(const bool made, store::apply(transaction.sql(), step));
        if (!made) return false;
        json::Writer detail;
        detail.begin_object().member("version", step.number).end_object();
        GIMS_TRY(store::append_audit(transaction, {.actor = actor.name,
                                                   .origin = actor.origin,
                                                   .act = "store.migrate",
                                                   .target = step.name,
                                                   .detail = detail.take()}));
        return true;
      },
      [this, &step, work = std::move(work)](Result<bool> made) mutable {
        if (!made) return work->done(std::unexpected(std::move(made).error()));
        if (*made) work->made.emplace_back(step.name);
        work->steps = work->steps.subspan(1);
        next(std::move(work));
      });
}

}  // namespace gims::service

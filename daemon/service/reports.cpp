#include "service/reports.hpp"

#include <limits>
#include <utility>

#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/officers/names.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service {
namespace sql_of = store::statements;
namespace {

template <class Statement>
Result<Reports::Page> take(sql::Connection& sql, std::int64_t before, std::int64_t count) {
  GIMS_TRY_ASSIGN(auto rows, sql::all(sql, Statement{before, count}));
  Reports::Page page;
  page.reports.reserve(rows.size());
  for (auto& row : rows) {
    page.reports.push_back({.report_id = row.report_id,
                            .created_ts = row.created_ts,
                            .reporter = std::move(row.reporter),
                            .room_id = std::move(row.room_id),
                            .event_id = std::move(row.event_id),
                            .user_id = std::move(row.user_id),
                            .reason = std::move(row.reason),
                            .closed_ts = row.closed_ts,
                            .closed_by = row.closed_by.value_or(""),
                            .note = row.note.value_or("")});
  }
  if (std::cmp_equal(page.reports.size(), count)) page.next = page.reports.back().report_id;
  return page;
}

}  // namespace

Result<Reports::Page> Reports::page(Which which, std::optional<std::int64_t> before,
                                    std::int64_t count) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  const std::int64_t from = before.value_or(std::numeric_limits<std::int64_t>::max());
  if (which == Which::open) return take<sql_of::OpenReports>(reader.sql(), from, count);
  if (which == Which::closed) return take<sql_of::ClosedReports>(reader.sql(), from, count);
  return take<sql_of::Reports>(reader.sql(), from, count);
}

void Reports::close(std::int64_t report_id, std::string note, Actor actor,
                    std::move_only_function<void(Result<>)> done) {
  if (auto fine = check_name(note, "note", longest_note); !fine) return done(std::move(fine));
  store_.writer().submit(
      [report_id, note = std::move(note),
       actor = std::move(actor)](store::Transaction& transaction) -> Result<> {
        sql::Connection& sql = transaction.sql();
        GIMS_TRY_ASSIGN(const auto row, sql::first(sql, sql_of::ReportById{report_id}));
        if (!row) return not_found("There is no such report.");
        if (row->closed_ts) {
          return fail(ErrorKind::conflict, "GIMS_STATE", "The report is closed already.");
        }
        GIMS_TRY(sql::run(sql, sql_of::CloseReport{.report_id = report_id,
                                                   .closed_ts = transaction.now_ms(),
                                                   .closed_by = actor.name,
                                                   .note = note}));
        json::Writer detail;
        detail.begin_object().member("note", note).member("report", report_id).end_object();
        return audit(transaction, actor, "report.closed", row->reporter, detail.text());
      },
      std::move(done));
}

}  // namespace gims::service

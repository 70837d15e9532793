// What the generator (scripts/generate_sql.py) makes of each named statement in a .sql file.
//
//   -- name: EventById
//   -- in: event_id text
//   -- out: stream_id int, pdu blob, state_key text?
//   SELECT stream_id, pdu, state_key FROM events WHERE event_id = :event_id;
//
// becomes a struct gims::store::statements::EventById with a member an input (std::int64_t,
// std::string_view, sql::Blob; std::optional of these where the type ends in '?'), a struct Row
// with a member an output (std::int64_t, std::string; optional where '?'), a struct View (the same
// with std::string_view, good until the next step), bind(), row() and view(). A comment stands
// above the name; the schema's types are BIGINT or INTEGER (int), TEXT and BLOB.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gims::sql {

// Bytes as SQL knows them; text is std::string_view.
struct Blob {
  std::string_view bytes;
};

struct StatementInfo {
  std::string_view name;
  std::string_view text;
  int index;  // dense over all statements of the program: the slot of a connection's cache; -1:
              // none
};

// A prepared statement that is being bound and stepped; of one connection, on one thread.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  virtual ~Cursor() = default;

  virtual void bind(int place, std::int64_t value) = 0;  // places from 1
  virtual void bind(int place, std::string_view text) = 0;
  virtual void bind(int place, Blob blob) = 0;
  virtual void bind_null(int place) = 0;

  [[nodiscard]] virtual bool is_null(int column) const = 0;  // columns from 0
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual std::string_view bytes(int column) const = 0;  // text or blob
};

// What the generated bind() functions call.
inline void bind(Cursor& cursor, int place, std::int64_t value) { cursor.bind(place, value); }
inline void bind(Cursor& cursor, int place, std::string_view text) { cursor.bind(place, text); }
inline void bind(Cursor& cursor, int place, Blob blob) { cursor.bind(place, blob); }
template <class T>
void bind(Cursor& cursor, int place, const std::optional<T>& value) {
  if (value) {
    cursor.bind(place, *value);
  } else {
    cursor.bind_null(place);
  }
}

}  // namespace gims::sql

#include "sql/sqlite/error.hpp"

#include <sqlite3.h>

#include <string>

namespace gims::sql::sqlite {
namespace {

struct Meaning {
  ErrorKind kind;
  std::string_view text;  // for the person at the other end
};

// The low byte of an extended code is its primary code (sqlite.org/rescode.html).
Meaning meaning_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorKind::unavailable,
              "The server's disk is full. Nothing was stored; tell the administrator."};
    case SQLITE_IOERR:
      return {
          ErrorKind::unavailable,
          "The server cannot read or write its disk. Nothing was stored; tell the administrator."};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::unavailable,
              "The server's database is damaged. Nothing was stored; tell the administrator."};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return {ErrorKind::unavailable,
              "The server may not write its database. Nothing was stored; tell the administrator."};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {ErrorKind::unavailable, "The server's database is busy. Try again shortly."};
    case SQLITE_INTERRUPT:
      return {ErrorKind::unavailable, "The server is stopping. Try again shortly."};
    case SQLITE_CONSTRAINT:
      return {ErrorKind::conflict, "This is there already, or does not fit what is there."};
    case SQLITE_TOOBIG:
      return {ErrorKind::too_large, "This is too large to be stored."};
    default:
      return {ErrorKind::internal, "The server failed to use its database."};
  }
}

}  // namespace

Error error_of(int code, std::string_view what, std::string_view message) {
  const Meaning meaning = meaning_of(code);
  Error error;
  error.kind = meaning.kind;
  error.code = meaning.kind == ErrorKind::too_large ? "M_TOO_LARGE" : "M_UNKNOWN";
  error.text = meaning.text;
  error.detail = "SQLite ";
  error.detail += std::to_string(code);
  error.detail += " (";
  error.detail += ::sqlite3_errstr(code);
  error.detail += ") in ";
  error.detail += what;
  error.detail += ": ";
  error.detail += message;
  return error;
}

bool is_damage(int code) noexcept {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool is_storage_failure(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return true;
    default:
      return false;
  }
}

}  // namespace gims::sql::sqlite

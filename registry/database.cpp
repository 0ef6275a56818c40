// See database.h.
#include "registry/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr int busy_patience_ms = 5000;

[[noreturn]] void fail(const std::string& file, sqlite3* handle, int code) {
  const bool is_damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  const char* reason = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  const ErrorCode other = code == SQLITE_FULL ? ErrorCode::out_of_memory : ErrorCode::internal;
  throw Error(is_damaged ? ErrorCode::corrupt_data : other, fmt::format("{}: {}", file, reason));
}

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

Database::Row read_row(sqlite3_stmt* statement) {
  Database::Row row;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const void* bytes = sqlite3_column_blob(statement, i);
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
    row.emplace_back(static_cast<const char*>(bytes), bytes == nullptr ? 0 : size);
  }
  return row;
}

}  // namespace

void Database::Closer::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Database::Database(const std::filesystem::path& file, std::string_view schema)
    : name_(file.string()) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  const int code = sqlite3_open_v2(name_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(name_, handle, code);
  sqlite3_busy_timeout(handle, busy_patience_ms);
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=NORMAL");
  run(schema);
}

std::vector<Database::Row> Database::run(std::string_view statement,
                                         std::initializer_list<std::string_view> values) {
  sqlite3_stmt* prepared = nullptr;
  int code = sqlite3_prepare_v2(handle_.get(), statement.data(), static_cast<int>(statement.size()),
                                &prepared, nullptr);
  const Statement owner(prepared);
  if (code != SQLITE_OK) fail(name_, handle_.get(), code);
  int place = 0;
  for (const std::string_view value : values) {
    code = sqlite3_bind_text(prepared, ++place, value.data(), static_cast<int>(value.size()),
                             SQLITE_TRANSIENT);
    if (code != SQLITE_OK) fail(name_, handle_.get(), code);
  }
  std::vector<Row> rows;
  while ((code = sqlite3_step(prepared)) == SQLITE_ROW) rows.push_back(read_row(prepared));
  if (code != SQLITE_DONE) fail(name_, handle_.get(), code);
  return rows;
}

}  // namespace hearth::registry

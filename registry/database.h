// A small SQLite file: open, run a statement, get rows of texts. The only file of the project that
// knows SQLite.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace hearth::registry {

// Any thread may use it; statements are run one after another. Write-ahead log, so that readers of
// other processes are never in the way. Everything throws Error{internal} with SQLite's words,
// Error{corrupt_data} for a file that is damaged or no database, and Error{out_of_memory} when the
// disk is full.
class Database {
 public:
  // Made when missing; `schema` is run on it (CREATE TABLE IF NOT EXISTS ...).
  Database(const std::filesystem::path& file, std::string_view schema);

  using Row = std::vector<std::string>;
  // Values stand for the question marks of `statement`, in order.
  std::vector<Row> run(std::string_view statement,
                       std::initializer_list<std::string_view> values = {});

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  std::string name_;
  std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace hearth::registry

// `hearth gc`: removes what belongs to no model, or says what that would be.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/store_stream.h"
#include "cli/terminal.h"

namespace hearth::cli {

int gc(const Client& client, const GcOptions& options) {
  std::vector<std::vector<std::string>> rows;
  int64_t kept_count = 0, kept_bytes = 0;
  const auto take = [&](const Json& event) {
    const std::string status = event.value("status", "");
    const int64_t bytes = event.value("bytes", int64_t{0});
    if (status == "kept") {
      ++kept_count;
      kept_bytes += bytes;
    } else if (event.contains("file")) {
      rows.push_back({event.value("file", ""), event.value("detail", ""), human_size(bytes)});
    }
    return true;
  };
  const Json body = {{"dry_run", options.is_dry_run}, {"downloads", options.takes_downloads}};
  const Json last = follow(client, "/api/gc", body, "stopped", take);
  print(table(rows));
  print(fmt::format("{} file{} {}, {}\n", rows.size(), rows.size() == 1 ? "" : "s",
                    options.is_dry_run ? "would be removed" : "removed",
                    human_size(last.value("bytes", int64_t{0}))));
  if (kept_count > 0) {
    note(fmt::format("{} file{} of stopped downloads ({}) can go on; --downloads removes them too",
                     kept_count, kept_count == 1 ? "" : "s", human_size(kept_bytes)));
  }
  return 0;
}

}  // namespace hearth::cli

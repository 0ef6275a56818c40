// `hearth import`: uses models where they lie.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/store_stream.h"
#include "cli/terminal.h"

namespace hearth::cli {

int import_place(const Client& client, const ImportOptions& options) {
  if (!client.config().is_loopback) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the daemon at {} cannot see the files of this computer; `hearth "
                            "create` sends them",
                            client.config().base_url));
  }
  std::error_code error;
  const auto place = std::filesystem::absolute(options.path, error);
  Json body = {{"path", place.lexically_normal().string()}};
  if (!options.model.empty()) body["model"] = options.model;
  const auto take = [](const Json& event) {
    const std::string status = event.value("status", ""), file = event.value("file", "");
    if (status == "left out") {
      note(fmt::format("left out {}: {}", file, event.value("detail", "")));
    } else if (event.contains("models")) {
      print(fmt::format("{} '{}' from {}\n", status, event["models"][0].get<std::string>(), file));
    }
    return true;
  };
  const Json last = follow(client, "/api/import", body, "stopped", take);
  const int64_t count = last.value("count", int64_t{0});
  if (count == 0)
    throw Error(ErrorCode::not_found, fmt::format("nothing was imported from {}", place.string()));
  return 0;
}

}  // namespace hearth::cli

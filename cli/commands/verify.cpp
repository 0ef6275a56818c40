// `hearth verify`: reads every byte of the store again.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/store_stream.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// "damaged  sha256:1234...  (llama3.2:latest): has the content of ..."
std::string line_of(const Json& event) {
  std::string models;
  for (const Json& model : event.value("models", Json::array()))
    models += (models.empty() ? "" : ", ") + model.get<std::string>();
  const std::string detail = event.value("detail", "");
  return fmt::format("{} {} ({}){}{}\n", event.value("status", ""), event.value("digest", ""),
                     models.empty() ? "of no model" : models, detail.empty() ? "" : ": ", detail);
}

bool is_finding(const Json& event) {
  const std::string status = event.value("status", "");
  for (const char* word : {"damaged", "missing", "moved", "read", "repaired", "not repaired"}) {
    if (status == word) return true;
  }
  return false;
}

}  // namespace

int verify(const Client& client, const VerifyOptions& options) {
  Json body = {{"repair", options.repairs}, {"insecure", options.is_insecure}};
  if (!options.model.empty()) body["model"] = options.model;
  std::string found;
  size_t aside_count = 0;
  const auto take = [&](const Json& event) {
    if (event.value("status", "") == "set aside") return ++aside_count > 0;
    if (!is_finding(event)) return event.value("status", "") == "success";
    found += line_of(event);
    return true;
  };
  const Json last = follow(client, "/api/verify", body, "stopped; nothing was changed", take);
  print(found);
  if (aside_count > 0) {
    note(
        fmt::format("{} damaged blob{} that repairs have replaced lie{} in the store's folder "
                    "damaged; `hearth gc` removes {}",
                    aside_count, aside_count == 1 ? "" : "s", aside_count == 1 ? "s" : "",
                    aside_count == 1 ? "it" : "them"));
  }
  const int64_t count = last.value("count", int64_t{0}), wrong = last.value("wrong", int64_t{0});
  if (wrong == 0) {
    print(fmt::format("{} blob{} verified, all right\n", count, count == 1 ? "" : "s"));
    return 0;
  }
  throw Error(
      ErrorCode::corrupt_data,
      fmt::format(
          "{} of {} blobs {} wrong; {}", wrong, count, wrong == 1 ? "is" : "are",
          options.repairs
              ? "what no registry has must be pulled anew, created or imported again"
              : "`hearth verify --repair` brings them from the registries of their models"));
}

}  // namespace hearth::cli

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
  const auto take = [&](const Json& event) {
    if (!is_finding(event)) return event.value("status", "") == "success";
    found += line_of(event);
    return true;
  };
  const Json last = follow(client, "/api/verify", body, "stopped; nothing was changed", take);
  print(found);
  const int64_t count = last.value("count", int64_t{0}), wrong = last.value("wrong", int64_t{0});
  if (wrong == 0) {
    print(fmt::format("{} blob{} verified, all right\n", count, count == 1 ? "" : "s"));
    return 0;
  }
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{} of {} blobs {} wrong; {}", wrong, count, wrong == 1 ? "is" : "are",
                          options.repairs
                              ? "what cannot be pulled must be created or imported again"
                              : "`hearth verify --repair` pulls the models they belong to again"));
}

}  // namespace hearth::cli

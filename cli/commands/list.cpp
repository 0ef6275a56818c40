// `hearth list` and `hearth ps`: what is stored and what is loaded, as tables.
#include <strings.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

bool starts_with_ignoring_case(const std::string& text, const std::string& prefix) {
  return text.size() >= prefix.size() &&
         ::strncasecmp(text.c_str(), prefix.c_str(), prefix.size()) == 0;
}

std::string until(const Json& model, std::chrono::system_clock::time_point now) {
  if (model.contains("load_progress")) {
    const auto percent = static_cast<int>(model["load_progress"].get<double>() * 100);
    return "Loading " + std::to_string(percent) + "%";
  }
  const auto expires = parse_time(model.value("expires_at", ""));
  return expires < now ? "Stopping..." : human_time(expires, now);
}

std::string processor(int64_t size, int64_t on_gpu) {
  if (size <= 0) return "Unknown";
  if (on_gpu <= 0) return "100% CPU";
  if (on_gpu >= size) return "100% GPU";
  const auto on_cpu = static_cast<int64_t>(
      100.0 * static_cast<double>(size - on_gpu) / static_cast<double>(size) + 0.5);
  return std::to_string(on_cpu) + "%/" + std::to_string(100 - on_cpu) + "% CPU/GPU";
}

}  // namespace

int list(const Client& client, const ListOptions& options) {
  const auto now = std::chrono::system_clock::now();
  std::vector<std::vector<std::string>> rows = {{"NAME", "ID", "SIZE", "MODIFIED"}};
  if (options.shows_paths) rows.front().push_back("PATH");
  const Json answer = client.get(options.shows_paths ? "/api/tags?paths=1" : "/api/tags");
  for (const Json& model : answer["models"]) {
    const auto name = model.value("name", "");
    if (!starts_with_ignoring_case(name, options.prefix)) continue;
    rows.push_back({name, model.value("digest", "").substr(0, 12),
                    human_size(model.value("size", int64_t{0})),
                    human_time(parse_time(model.value("modified_at", "")), now)});
    // A line for each file; programs that read the first column see each name once.
    const Json paths = model.value("paths", Json::array());
    for (size_t i = 0; i < paths.size(); ++i) {
      if (i > 0) rows.push_back({"", "", "", ""});
      rows.back().push_back(paths[i].get<std::string>());
    }
  }
  print(table(rows));
  return 0;
}

int ps(const Client& client, const std::string& prefix) {
  const auto now = std::chrono::system_clock::now();
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"}};
  const Json answer = client.get("/api/ps");
  for (const Json& model : answer["models"]) {
    const auto name = model.value("name", "");
    if (!starts_with_ignoring_case(name, prefix)) continue;
    const int64_t size = model.value("size", int64_t{0});
    rows.push_back({name, model.value("digest", "").substr(0, 12), human_size(size),
                    processor(size, model.value("size_vram", int64_t{0})),
                    std::to_string(model.value("context_length", int64_t{0})), until(model, now)});
  }
  print(table(rows));
  return 0;
}

}  // namespace hearth::cli

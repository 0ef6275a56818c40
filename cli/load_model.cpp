// The request that loads answers only when all is done; how far it is stands in /api/ps.
#include "cli/load_model.h"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/store_stream.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr auto question_interval = std::chrono::milliseconds(100);

// 0..1, or less than 0 when the daemon does not say.
double fraction_of(const Client& client, const std::string& model) {
  const Json answer = client.get("/api/ps");
  for (const Json& entry : answer.value("models", Json::array())) {
    const std::string name = entry.value("name", "");
    if (name == model || name == model + ":latest") return entry.value("load_progress", -1.0);
  }
  return -1;
}

void show_fraction(const Client& client, const std::string& model, Progress& progress) {
  const std::string title = fmt::format("loading {}", model);
  double fraction = -1;
  try {
    fraction = fraction_of(client, model);
  } catch (const Error&) {  // only the bar is lost; the request itself says what is wrong
  }
  if (fraction < 0) return progress.message(title);
  progress.percent(title, fraction);
}

}  // namespace

Json find_model(const Client& client, const std::string& model, bool is_insecure) {
  const Json question = {{"model", model}};
  try {
    return client.post("/api/show", question);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
  }
  try {
    pull_model(client, model, is_insecure);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    throw Error(ErrorCode::not_found,
                fmt::format("model '{}' not found here, and not pulled: {}; `hearth list` shows "
                            "what is there, `hearth import FILE.gguf` uses a file",
                            model, error.what()));
  }
  return client.post("/api/show", question);
}

void load_model(const Client& client, const std::string& model, const std::string& keep_alive) {
  Json body = {{"model", model}};
  if (!keep_alive.empty()) body["keep_alive"] = keep_alive_value(keep_alive);
  std::future<void> loading =
      std::async(std::launch::async, [&] { client.post("/api/generate", body); });
  Progress progress;
  while (loading.wait_for(question_interval) == std::future_status::timeout)
    show_fraction(client, model, progress);
  progress.finish();
  loading.get();
}

}  // namespace hearth::cli

// See store_stream.h.
#include "cli/store_stream.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/progress_bars.h"
#include "cli/terminal.h"

namespace hearth::cli {

Json follow(const Client& client, const std::string& path, const Json& body,
            const std::string& after_interrupt, const std::function<bool(const Json&)>& on_line) {
  ProgressDisplay display;
  const InterruptGuard guard;
  Json last = Json::object();
  const auto take = [&](const Json& event) {
    last = event;
    if (on_line && on_line(event)) return;
    display.take(event);
  };
  const bool is_whole =
      client.stream(path, body, take, InterruptGuard::flag(), [&display] { display.tick(); });
  display.finish();
  if (!is_whole) throw Error(ErrorCode::cancelled, after_interrupt);
  if (last.value("status", "") != "success") {
    throw Error(ErrorCode::internal, fmt::format("the daemon stopped in the middle, after \"{}\"",
                                                 last.value("status", "")));
  }
  return last;
}

void pull_model(const Client& client, const std::string& model, bool is_insecure,
                const std::string& limit_rate) {
  Json body = {{"model", model}};
  if (is_insecure) body["insecure"] = true;
  if (!limit_rate.empty()) body["limit_rate"] = limit_rate;
  follow(client, "/api/pull", body,
         fmt::format("stopped; the next `hearth pull {}` goes on from here", model));
}

}  // namespace hearth::cli

// `hearth stop`, `rm` and `cp`: one request each.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace hearth::cli {

int stop(const Client& client, const std::string& model) {
  try {
    client.post("/api/generate", {{"model", model}, {"keep_alive", 0}});
  } catch (const Error& error) {  // in the words that scripts look for
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(error.code(),
                fmt::format("couldn't find model \"{}\" to stop: {}", model, error.what()));
  }
  return 0;
}

int remove(const Client& client, const std::vector<std::string>& models) {
  for (const auto& model : models) {
    try {
      client.post("/api/generate", {{"model", model}, {"keep_alive", 0}});
    } catch (const Error& error) {  // one that cannot be read, and so does not run, can go too
      if (error.code() == ErrorCode::not_found) throw;
    }
    client.remove("/api/delete", {{"model", model}});
    print(fmt::format("deleted '{}'\n", model));
  }
  return 0;
}

int copy(const Client& client, const std::string& source, const std::string& destination) {
  client.post("/api/copy", {{"source", source}, {"destination", destination}});
  print(fmt::format("copied '{}' to '{}'\n", source, destination));
  return 0;
}

}  // namespace hearth::cli

// `hearth serve`: the daemon in the foreground. hearthd is a program of its own; this becomes it.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "cli/commands.h"

namespace hearth::cli {

int serve(const Config& config, const std::vector<std::string>& arguments) {
  hand_on_flags(config.settings);
  const std::string program = (config.programs / "hearthd").string();
  std::vector<char*> words = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  throw Error(ErrorCode::not_found,
              fmt::format("cannot start {}: {}; hearthd belongs beside hearth", program,
                          std::strerror(errno)));
}

}  // namespace hearth::cli

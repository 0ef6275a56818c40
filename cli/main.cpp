// `hearth`: parses the command line; the place where an Error becomes a line and an exit code.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "api/setting_flags.h"
#include "base/error.h"
#include "base/nearest_word.h"
#include "base/version.h"
#include "cli/command_tree.h"
#include "cli/daemon_start.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// Our version, and the daemon's when one is there and differs.
// Of the daemon, where it is not this program's.
int compare_version(const Client& client) {
  try {
    if (!client.is_reachable()) {
      note(fmt::format("Warning: no daemon answers at {}", client.config().base_url));
      return 0;
    }
  } catch (const Error& error) {
    note(fmt::format("Warning: {}", error.what()));
    return 0;
  }
  const Json answer = client.get("/api/version");
  const std::string theirs = answer.value("hearth", "");
  if (theirs != version())
    note(fmt::format("Warning: the daemon at {} is {}", client.config().base_url,
                     theirs.empty() ? "not hearth" : "hearth " + theirs));
  return 0;
}

std::string unknown_command(const CLI::App& app, std::string_view word) {
  NearestWord nearest(word);
  const std::vector<const CLI::App*> commands = app.get_subcommands({});
  for (const CLI::App* command : commands) nearest.consider(command->get_name());
  if (nearest.found().empty()) return fmt::format("there is no command '{}'", word);
  return fmt::format("there is no command '{}'; did you mean {}?", word, nearest.found());
}

// The library lists what it could not use in no order; the first such word says enough.
std::string describe_mistake(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unused = app.remaining(true);
  const bool is_unused = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (!is_unused || unused.empty()) return error.what();
  const std::string& word = unused.front();
  if (word.starts_with('-')) return fmt::format("there is no option {}", word);
  if (app.get_subcommands().empty()) return unknown_command(app, word);
  return fmt::format("unexpected argument '{}'", word);
}

int run_program(int argument_count, char** arguments_given) {
  CLI::App app("hearth runs large language models on this computer.", "hearth");
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(36);
  Arguments arguments;
  Request request;
  const api::SettingFlags setting_flags(app, api::SettingUser::cli);
  app.fallthrough();
  bool wants_version = false;
  app.add_flag("-v,--version", wants_version, "Print the version");
  add_commands(app, arguments, request);
  try {
    app.parse(argument_count, arguments_given);
  } catch (const CLI::ParseError& error) {  // the library reports help and mistakes by throwing
    if (error.get_exit_code() == 0) return app.exit(error) == 0 ? 0 : 1;
    std::string words = "hearth";
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      words += " " + at->get_name();
    }
    note(fmt::format("Error: {}; see `{} --help`", describe_mistake(app, error), words));
    return 1;
  }
  if (wants_version) print(fmt::format("hearth version is {}\n", version()));
  const Config config = read_config(setting_flags.given());
  if (request.local) return request.local(config);
  const Client client(config);
  if (wants_version) return compare_version(client);
  if (!request.action) {
    print(app.help());
    return 0;
  }
  ensure_daemon(client);
  return request.action(client);
}

}  // namespace
}  // namespace hearth::cli

int main(int argument_count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return hearth::cli::run_program(argument_count, arguments);
  } catch (const std::exception& error) {
    hearth::cli::note(std::string("Error: ") + error.what());
    return 1;
  }
}

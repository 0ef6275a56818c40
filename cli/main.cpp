// `hearth`: the command tree, and the place where an Error becomes a line and an exit code.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>

#include "api/setting_flags.h"
#include "base/error.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/daemon_start.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// What a parsed command line wants done. Filled by callbacks while CLI11 parses.
struct Request {
  std::function<int(const Client&)> action;  // needs the daemon
  std::function<int(const Config&)> local;   // does not
};

struct Arguments {
  RunOptions run;
  CreateOptions create;
  ShowOptions show;
  ConfigShowOptions config_show;
  std::string name, other_name;
  std::vector<std::string> names;
  bool no_word_wrap = false;
};

void add_model_commands(CLI::App& app, Arguments& arguments, Request& request) {
  auto* run_command = app.add_subcommand("run", "Talk to a model, or get one answer");
  run_command->add_option("MODEL", arguments.run.model, "Name of the model")->required();
  run_command->add_option("PROMPT", arguments.run.prompt, "What to say; none starts a chat");
  run_command->add_option("--keepalive", arguments.run.keep_alive,
                          "How long the model stays loaded afterwards (5m, 1h, -1, 0)");
  run_command->add_option("--format", arguments.run.format, "json, or a JSON schema");
  run_command->add_flag("--verbose", arguments.run.is_verbose, "Show metrics after the answer");
  run_command->add_flag("--nowordwrap", arguments.no_word_wrap,
                        "Do not wrap words at the terminal's width");
  run_command->callback([&] {
    arguments.run.wraps_words = !arguments.no_word_wrap;
    request.action = [&](const Client& client) { return run(client, arguments.run); };
  });

  auto* create_command = app.add_subcommand("create", "Make a model from a Modelfile");
  create_command->add_option("MODEL", arguments.create.model, "Name of the new model")->required();
  create_command
      ->add_option("-f,--file", arguments.create.modelfile, "The Modelfile; - reads standard input")
      ->capture_default_str();
  create_command->add_option("-q,--quantize", arguments.create.quantize,
                             "Quantise to this type, for example q4_K_M");
  create_command->callback([&] {
    request.action = [&](const Client& client) { return create(client, arguments.create); };
  });

  auto* show_command = app.add_subcommand("show", "What a model is");
  show_command->add_option("MODEL", arguments.show.model, "Name of the model")->required();
  auto* sections = show_command->add_option_group("section", "Print only this");
  for (const char* section : {"license", "modelfile", "parameters", "template", "system"}) {
    sections->add_flag_callback(
        fmt::format("--{}", section), [&arguments, section] { arguments.show.section = section; },
        fmt::format("The {} of the model", section));
  }
  sections->require_option(0, 1);
  show_command->add_flag("-v,--verbose", arguments.show.is_verbose, "Also metadata and tensors");
  show_command->callback(
      [&] { request.action = [&](const Client& client) { return show(client, arguments.show); }; });
}

void add_store_commands(CLI::App& app, Arguments& arguments, Request& request) {
  auto* list_command = app.add_subcommand("list", "Models that are stored")->alias("ls");
  list_command->add_option("PREFIX", arguments.name, "Only names that start so");
  list_command->callback(
      [&] { request.action = [&](const Client& client) { return list(client, arguments.name); }; });

  auto* ps_command = app.add_subcommand("ps", "Models that are loaded");
  ps_command->add_option("PREFIX", arguments.name, "Only names that start so");
  ps_command->callback(
      [&] { request.action = [&](const Client& client) { return ps(client, arguments.name); }; });

  auto* stop_command = app.add_subcommand("stop", "Unload a model");
  stop_command->add_option("MODEL", arguments.name, "Name of the model")->required();
  stop_command->callback(
      [&] { request.action = [&](const Client& client) { return stop(client, arguments.name); }; });

  auto* remove_command = app.add_subcommand("rm", "Delete models");
  remove_command->add_option("MODEL", arguments.names, "Names of the models")->required();
  remove_command->callback([&] {
    request.action = [&](const Client& client) { return remove(client, arguments.names); };
  });

  auto* copy_command = app.add_subcommand("cp", "Give a model a second name");
  copy_command->add_option("SOURCE", arguments.name, "Name of the model")->required();
  copy_command->add_option("DESTINATION", arguments.other_name, "The new name")->required();
  copy_command->callback([&] {
    request.action = [&](const Client& client) {
      return copy(client, arguments.name, arguments.other_name);
    };
  });
}

void add_local_commands(CLI::App& app, Arguments& arguments, Request& request) {
  auto* serve_command = app.add_subcommand(
      "serve", "Run the daemon in the foreground; `hearth serve --help` lists its settings");
  serve_command->alias("start")->prefix_command()->fallthrough(false)->set_help_flag();
  serve_command->callback([&request, serve_command] {
    request.local = [serve_command](const Config& config) {
      return serve(config, serve_command->remaining());
    };
  });

  auto* config_command = app.add_subcommand("config", "Settings")->require_subcommand(1);
  auto* config_show_command = config_command->add_subcommand("show", "Every setting and its value");
  config_show_command->add_flag("--origin", arguments.config_show.shows_origin,
                                "Also where each value comes from");
  config_show_command->add_flag("--json", arguments.config_show.is_json,
                                "Everything, as one JSON object");
  config_show_command->callback([&] {
    request.local = [&](const Config& config) {
      return config_show(config, arguments.config_show);
    };
  });
  config_command->add_subcommand("path", "The files that are read, the strongest first")
      ->callback([&] { request.local = [](const Config&) { return config_path(); }; });

  auto* debug_command = app.add_subcommand("debug", "Look inside")->require_subcommand(1);
  auto* render_command =
      debug_command->add_subcommand("render", "Print what a chat template makes of given data");
  render_command->add_option("--template", arguments.name, "Template file")->required();
  render_command
      ->add_option("--context", arguments.other_name, "JSON file with messages, tools, ...")
      ->required();
  render_command->callback([&] {
    request.local = [&](const Config&) {
      return debug_render(arguments.name, arguments.other_name);
    };
  });

  auto* help_command = app.add_subcommand("help", "Help for a command");
  help_command->add_option("COMMAND", arguments.names, "The command");
  help_command->callback([&app, &arguments] {
    CLI::App* shown = &app;
    for (const auto& name : arguments.names) shown = shown->get_subcommand(name);
    print(shown->help());
    throw CLI::Success();
  });
}

// Our version, and the daemon's when one is there and differs.
int print_version(const Client& client) {
  print(fmt::format("hearth version is {}\n", version()));
  if (!client.is_reachable()) return 0;
  const Json answer = client.get("/api/version");
  const std::string theirs = answer.value("hearth", "");
  if (theirs != version())
    note(fmt::format("Warning: the daemon at {} is {}", client.config().base_url,
                     theirs.empty() ? "not hearth" : "hearth " + theirs));
  return 0;
}

// The library lists what it could not use in no order; the first such word says enough.
std::string describe_mistake(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unused = app.remaining(true);
  const bool is_unused = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (!is_unused || unused.empty()) return error.what();
  const std::string& word = unused.front();
  if (word.starts_with('-')) return fmt::format("there is no option {}", word);
  if (app.get_subcommands().empty()) return fmt::format("there is no command '{}'", word);
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
  add_model_commands(app, arguments, request);
  add_store_commands(app, arguments, request);
  add_local_commands(app, arguments, request);
  try {
    app.parse(argument_count, arguments_given);
  } catch (const CLI::ParseError& error) {  // the library reports help and mistakes by throwing
    if (error.get_exit_code() == 0) return app.exit(error) == 0 ? 0 : 1;
    note(fmt::format("Error: {}; see `hearth --help`", describe_mistake(app, error)));
    return 1;
  }
  const Config config = read_config(setting_flags.given());
  if (request.local) return request.local(config);
  const Client client(config);
  if (wants_version) return print_version(client);
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

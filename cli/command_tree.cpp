#include "cli/command_tree.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/completion.h"
#include "cli/man_page.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// The variables that matter to a command, as Ollama's help lists them.
std::string variables_footer(std::initializer_list<std::string_view> names) {
  std::string text = "Environment Variables:\n";
  for (const std::string_view name : names) {
    const api::Setting* setting = api::find_setting(name);
    text += fmt::format("      {:<24}   {}{}\n", setting->environment, setting->help,
                        setting->default_text.empty()
                            ? std::string()
                            : fmt::format(" (default {})", setting->default_text));
  }
  return text;
}

void add_run(CLI::App& app, Arguments& arguments, Request& request) {
  RunOptions& run_options = arguments.run;
  auto* command = app.add_subcommand("run", "Talk to a model, or get one answer");
  command->add_option("MODEL", run_options.model,
                      "Name of the model; none: the small one that comes with hearth");
  command->add_option("PROMPT", run_options.prompt,
                      "What to say, after what comes from a pipe; none starts a chat");
  command->add_option("--keepalive", run_options.keep_alive,
                      "How long the model stays loaded afterwards (5m, 1h, -1, 0)");
  command->add_option("--format", run_options.format, "json, or a JSON schema");
  command->add_flag("--think", run_options.think,
                    "Let the model think first: true, false, low, medium, high or max");
  command->add_flag("--hidethinking", run_options.hides_thinking, "Do not print what it thinks");
  command->add_flag("--verbose", run_options.is_verbose, "Show metrics after the answer");
  command->add_flag("--nowordwrap", arguments.no_word_wrap,
                    "Do not wrap words at the terminal's width");
  command->add_option("--dimensions", run_options.dimensions,
                      "Length of an embedding; shorter ones are cut and made of length 1 again");
  command->add_flag(
      "--truncate", run_options.truncate,
      "Cut a text that is too long for an embedding (the default); =false refuses it");
  command->add_flag("--insecure", run_options.is_insecure,
                    "Pull by plain http, when the model is not there");
  command->footer(variables_footer({"host", "api-key", "no-history", "editor", "no-autostart"}));
  command->callback([&] {
    run_options.wraps_words = !arguments.no_word_wrap;
    request.action = [&](const Client& client) { return run(client, arguments.run); };
  });
}

void add_create_and_show(CLI::App& app, Arguments& arguments, Request& request) {
  auto* create_command = app.add_subcommand("create", "Make a model from a Modelfile");
  create_command->add_option("MODEL", arguments.create.model, "Name of the new model")->required();
  create_command
      ->add_option("-f,--file", arguments.create.modelfile, "The Modelfile; - reads standard input")
      ->capture_default_str();
  create_command->add_option("-q,--quantize", arguments.create.quantize,
                             "Quantise to this type, for example q4_K_M");
  create_command->add_option("--draft-quantize", arguments.create.draft_quantize,
                             "The same for the model named by DRAFT");
  create_command->add_flag("--link", arguments.create.is_linked,
                           "Use the files of FROM where they lie, without a copy");
  create_command->footer(variables_footer({"host", "api-key"}));
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
  show_command->footer(variables_footer({"host", "api-key"}));
  show_command->callback(
      [&] { request.action = [&](const Client& client) { return show(client, arguments.show); }; });
}

void add_tokenize(CLI::App& app, Arguments& arguments, Request& request) {
  TokenizeOptions& options = arguments.tokenize;
  auto* command = app.add_subcommand("tokenize", "Token ids of a text, one a line");
  command->add_option("MODEL", options.model, "Name of the model; it need not be loaded")
      ->required();
  command->add_option("TEXT", options.words, "The text; none or - reads standard input");
  command->add_flag("--special", options.has_special,
                    "Read names of control tokens as them, and begin as a prompt does");
  command->add_flag("--count", options.is_count, "Only how many there are");
  command->add_flag("--json", options.is_json, "As one JSON object");
  command->footer(variables_footer({"host", "api-key"}));
  command->callback([&] {
    request.action = [&](const Client& client) { return tokenize(client, arguments.tokenize); };
  });
  auto* inverse = app.add_subcommand("detokenize", "The text of token ids");
  inverse->add_option("MODEL", options.model, "Name of the model; it need not be loaded")
      ->required();
  inverse->add_option("ID", options.words, "Token ids; none or - reads standard input");
  inverse->footer(variables_footer({"host", "api-key"}));
  inverse->callback([&] {
    request.action = [&](const Client& client) { return detokenize(client, arguments.tokenize); };
  });
}

void add_tour(CLI::App& app, Arguments& arguments, Request& request) {
  auto* command = app.add_subcommand(
      "tour", "Four short steps that show what hearth does, each with its curl line");
  command->add_option("MODEL", arguments.name,
                      "Name of the model; none: the small one that comes with hearth");
  command->footer(variables_footer({"host", "api-key", "no-autostart"}));
  command->callback([&] {
    request.action = [&](const Client& client) {
      return tour(client, arguments.name.empty() ? starter_model : arguments.name);
    };
  });
}

void add_bench(CLI::App& app, Arguments& arguments, Request& request) {
  BenchOptions& options = arguments.bench;
  auto* command =
      app.add_subcommand("bench", "Measure a running daemon: many clients at once, as they see it");
  command->add_option("MODEL", options.model, "Name of the model")->required();
  command->add_option("--clients", options.clients, "Clients at once, one row each")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--prompt", options.prompt, "Tokens of every prompt")->capture_default_str();
  command->add_option("--generate", options.generate, "Tokens of every answer")
      ->capture_default_str();
  command->add_option("--requests", options.requests, "Requests of every client, one after another")
      ->capture_default_str();
  command->add_option("--arrive", options.arrive,
                      "While all clients are being answered, send one prompt of so many tokens, "
                      "and tell how long an answer stood still");
  command->add_option("--shared-prefix", options.shared_prefix,
                      "Tokens that all prompts begin with; otherwise they have nothing in common");
  command->add_option("--schema", options.schema,
                      "File with a JSON Schema that answers are bound to");
  command->add_option("--bound", options.bound, "So many of the clients ask for it (default: all)");
  command->add_flag("--json", options.is_json, "As one JSON object, times in seconds");
  command->footer(variables_footer({"host", "api-key"}));
  command->callback([&] {
    request.action = [&](const Client& client) { return bench(client, arguments.bench); };
  });
}

void add_store_commands(CLI::App& app, Arguments& arguments, Request& request) {
  auto* list_command = app.add_subcommand("list", "Models that are stored")->alias("ls");
  list_command->add_option("PREFIX", arguments.list.prefix, "Only names that start so");
  list_command->add_flag("--paths", arguments.list.shows_paths, "Also where their files lie");
  list_command->callback(
      [&] { request.action = [&](const Client& client) { return list(client, arguments.list); }; });

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
  copy_command->add_option("MODEL", arguments.name, "Name of the model")->required();
  copy_command->add_option("DESTINATION", arguments.other_name, "The new name")->required();
  copy_command->callback([&] {
    request.action = [&](const Client& client) {
      return copy(client, arguments.name, arguments.other_name);
    };
  });
  for (CLI::App* command : {list_command, ps_command, stop_command, remove_command, copy_command})
    command->footer(variables_footer({"host", "api-key"}));
}

void add_transfers(CLI::App& app, Arguments& arguments, Request& request) {
  const auto add = [&](const char* name, const char* help,
                       int (*transfer)(const Client&, const TransferOptions&)) {
    auto* command = app.add_subcommand(name, help);
    command->add_option("MODEL", arguments.transfer.model, "Name of the model")->required();
    command->add_flag("--insecure", arguments.transfer.is_insecure, "Plain http to the registry");
    command->add_option("--limit-rate", arguments.transfer.limit_rate,
                        "Bytes per second of this one, as 500K or 2M");
    command->footer(variables_footer({"host", "api-key"}));
    command->callback([&request, &arguments, transfer] {
      request.action = [&arguments, transfer](const Client& client) {
        return transfer(client, arguments.transfer);
      };
    });
  };
  add("pull", "Bring a model from a registry; what was stopped goes on", &pull);
  add("push", "Bring a model to a registry", &push);
}

void add_care(CLI::App& app, Arguments& arguments, Request& request) {
  auto* import_command =
      app.add_subcommand("import", "Use models where they lie, without a copy")->alias("link");
  import_command
      ->add_option("PATH", arguments.import_place.path,
                   "A GGUF file, a folder of them, Hugging Face's cache, LM Studio's or Ollama's "
                   "models")
      ->required();
  import_command->add_option("MODEL", arguments.import_place.model,
                             "A name for the one model there; otherwise as the files are called");
  import_command->callback([&] {
    request.action = [&](const Client& client) {
      return import_place(client, arguments.import_place);
    };
  });

  auto* verify_command = app.add_subcommand("verify", "Read every byte of the models again");
  verify_command->add_option("MODEL", arguments.verify.model, "Only this one");
  verify_command->add_flag("--repair", arguments.verify.repairs, "Pull again what is damaged");
  verify_command->add_flag("--insecure", arguments.verify.is_insecure, "Pull by plain http");
  verify_command->callback([&] {
    request.action = [&](const Client& client) { return verify(client, arguments.verify); };
  });

  auto* gc_command = app.add_subcommand("gc", "Remove files that belong to no model");
  gc_command->add_flag("--dry-run", arguments.gc.is_dry_run, "Only say which those are");
  gc_command->add_flag("--downloads", arguments.gc.takes_downloads,
                       "Also downloads that were stopped and could go on");
  gc_command->callback(
      [&] { request.action = [&](const Client& client) { return gc(client, arguments.gc); }; });
  for (CLI::App* command : {import_command, verify_command, gc_command})
    command->footer(variables_footer({"host", "api-key"}));
}

void add_config(CLI::App& app, Arguments& arguments, Request& request) {
  auto* command = app.add_subcommand("config", "Settings and where they come from");
  command->require_subcommand(1);
  auto* show_command = command->add_subcommand("show", "Every setting and its value");
  show_command->add_flag("--origin", arguments.config_show.shows_origin,
                         "Also where each value comes from");
  show_command->add_flag("--json", arguments.config_show.is_json, "Everything, as one JSON object");
  show_command->callback([&] {
    request.local = [&](const Config& config) {
      return config_show(config, arguments.config_show);
    };
  });
  command->add_subcommand("path", "The files that are read, the strongest first")->callback([&] {
    request.local = [](const Config&) { return config_path(); };
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

  auto* doctor_command =
      app.add_subcommand("doctor", "Check machine, settings, store and daemon; says what to do");
  doctor_command->add_flag("--json", arguments.is_json, "As one JSON object");
  doctor_command->footer(variables_footer({"host", "models", "threads", "memory-limit"}));
  doctor_command->callback([&] {
    request.local = [&](const Config& config) { return doctor(config, arguments.is_json); };
  });

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
}

// What is made from the tree itself.
void add_help_commands(CLI::App& app, Arguments& arguments) {
  const auto prints = [&app](CLI::App* command, std::string (*make)(CLI::App&)) {
    command->callback([&app, make] {
      print(make(app));
      throw CLI::Success();
    });
  };
  auto* completion = app.add_subcommand("completion", "Completions for a shell, to be sourced");
  completion->require_subcommand(1);
  prints(completion->add_subcommand("bash", "source <(hearth completion bash)"), &bash_completion);
  prints(completion->add_subcommand("zsh", "source <(hearth completion zsh)"), &zsh_completion);
  prints(completion->add_subcommand("fish", "hearth completion fish | source"), &fish_completion);
  prints(app.add_subcommand("man", "The manual page hearth(1), as troff")->group(""), &man_page);

  auto* help_command = app.add_subcommand("help", "Help for a command");
  help_command->add_option("COMMAND", arguments.names, "The command");
  help_command->callback([&app, &arguments] {
    CLI::App* shown = &app;
    std::string words = app.get_name();
    for (const auto& name : arguments.names) {
      shown = shown->get_subcommand(name);
      words += " " + shown->get_name();
    }
    // help() of the program would go on to the command that was called, which is this one.
    print(shown->get_formatter()->make_help(shown, words, CLI::AppFormatMode::Normal));
    throw CLI::Success();
  });
}

}  // namespace

void add_commands(CLI::App& app, Arguments& arguments, Request& request) {
  add_run(app, arguments, request);
  add_tour(app, arguments, request);
  add_create_and_show(app, arguments, request);
  add_store_commands(app, arguments, request);
  add_transfers(app, arguments, request);
  add_care(app, arguments, request);
  add_tokenize(app, arguments, request);
  add_bench(app, arguments, request);
  add_config(app, arguments, request);
  add_local_commands(app, arguments, request);
  add_help_commands(app, arguments);
}

}  // namespace hearth::cli

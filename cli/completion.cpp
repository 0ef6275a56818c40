#include "cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

namespace hearth::cli {
namespace {

// One command below the root: its whole path ("config show"), its words and flags.
struct Command {
  std::string path;
  std::string description;
  std::vector<std::string> flags;        // with their dashes
  std::vector<std::string> subcommands;  // with aliases
  bool takes_model = false;
};

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

// Option groups are commands without a name in this library; their flags belong to the parent.
Command describe(const CLI::App& app, const std::string& path) {
  Command command{path, app.get_description(), flags_of(app), {}, false};
  for (const CLI::Option* option : app.get_options())
    command.takes_model |= option->get_positional() && option->get_name() == "MODEL";
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name().empty()) {
      for (std::string& flag : flags_of(*child)) command.flags.push_back(std::move(flag));
    } else if (!child->get_group().empty()) {
      command.subcommands.push_back(child->get_name());
      for (const std::string& alias : child->get_aliases()) command.subcommands.push_back(alias);
    }
  }
  return command;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& commands) {
  commands.push_back(describe(app, path));
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name().empty() || child->get_group().empty()) continue;
    std::vector<std::string> names = child->get_aliases();
    names.push_back(child->get_name());
    for (const std::string& name : names)
      collect(*child, path.empty() ? name : path + " " + name, commands);
  }
}

std::vector<Command> all_commands(CLI::App& app) {
  std::vector<Command> commands;
  collect(app, "", commands);
  return commands;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// A text between single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// Nothing is started and nothing printed when no daemon runs.
constexpr std::string_view list_models =
    "HEARTH_NO_AUTOSTART=1 hearth list 2>/dev/null | tail -n +2 | cut -d' ' -f1";

// bash and zsh share this function: it sets `words` for the command path typed so far.
std::string choices_function(const std::vector<Command>& commands) {
  std::string text =
      "__hearth_choices() {\n"
      "  case \"$1\" in\n";
  for (const Command& command : commands) {
    text +=
        fmt::format("    {}) __hearth_subcommands={}; __hearth_flags={}; __hearth_model={} ;;\n",
                    quoted(command.path), quoted(joined(command.subcommands)),
                    quoted(joined(command.flags)), command.takes_model ? "1" : "''");
  }
  return text +
         "    *) return 1 ;;\n"
         "  esac\n"
         "}\n";
}

}  // namespace

std::string bash_completion(CLI::App& app) {
  std::string text = "# bash completion of hearth: source <(hearth completion bash)\n";
  text += choices_function(all_commands(app));
  text += fmt::format(R"(__hearth_complete() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} path='' word i
  # Names of models have a colon, at which bash splits words: the whole one is put together here.
  local line=${{COMP_LINE:0:COMP_POINT}} whole
  whole=${{line##* }}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $word in -*) continue ;; esac
    __hearth_choices "${{path:+$path }}$word" && path="${{path:+$path }}$word"
  done
  __hearth_choices "$path"
  local choices=$__hearth_subcommands
  case $whole in
    -*) choices=$__hearth_flags ;;
    *) [ -n "$__hearth_model" ] && choices=$({}) ;;
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$whole"))
  local head=${{whole%"$current"}}
  [ -n "$head" ] && COMPREPLY=("${{COMPREPLY[@]#"$head"}}")
}}
complete -o default -F __hearth_complete hearth
)",
                      list_models);
  return text;
}

std::string zsh_completion(CLI::App& app) {
  std::string text =
      "#compdef hearth\n"
      "# zsh completion of hearth: source <(hearth completion zsh)\n";
  text += choices_function(all_commands(app));
  text += fmt::format(R"(_hearth() {{
  local path_so_far='' word
  for word in ${{words[2,CURRENT-1]}}; do
    [[ $word == -* ]] && continue
    __hearth_choices "${{path_so_far:+$path_so_far }}$word" && path_so_far="${{path_so_far:+$path_so_far }}$word"
  done
  __hearth_choices "$path_so_far"
  if [[ ${{words[CURRENT]}} == -* ]]; then
    compadd -- ${{=__hearth_flags}}
  elif [[ -n $__hearth_model ]]; then
    compadd -- $({})
  else
    compadd -- ${{=__hearth_subcommands}}
  fi
}}
compdef _hearth hearth
)",
                      list_models);
  return text;
}

std::string fish_completion(CLI::App& app) {
  std::string text = "# fish completion of hearth: hearth completion fish | source\n";
  text += fmt::format("function __hearth_models\n  {}\nend\n",
                      "env HEARTH_NO_AUTOSTART=1 hearth list 2>/dev/null | tail -n +2 | cut -d' ' "
                      "-f1");
  text += "complete -c hearth -f\n";
  for (const Command& command : all_commands(app)) {
    const bool is_root = command.path.empty();
    const std::string name = command.path.substr(command.path.rfind(' ') + 1);
    const std::string here =
        is_root ? "__fish_use_subcommand" : "__fish_seen_subcommand_from " + name;
    if (!command.subcommands.empty())
      text += fmt::format("complete -c hearth -n {} -a {}\n", quoted(here),
                          quoted(joined(command.subcommands)));
    for (const std::string& flag : command.flags) {
      const bool is_long = flag.starts_with("--");
      text += fmt::format("complete -c hearth -n {} -{} {}\n", quoted(is_root ? "true" : here),
                          is_long ? "l" : "s", flag.substr(is_long ? 2 : 1));
    }
    if (command.takes_model)
      text += fmt::format("complete -c hearth -n {} -a '(__hearth_models)'\n", quoted(here));
  }
  return text;
}

}  // namespace hearth::cli

#include "cli/man_page.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "api/settings.h"
#include "base/version.h"

namespace hearth::cli {
namespace {

// Backslashes and dashes mean something to troff, so does a point that begins a line.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '-') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

std::string usage_of(const CLI::App& command, const std::string& path) {
  std::string usage = path;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_name();
    usage += option->get_required() ? " " + name : " [" + name + "]";
  }
  return usage;
}

void add_options(std::string& page, const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional() || option->get_group() == "Settings") continue;
    std::string names;
    for (const std::string& name : option->get_snames())
      names += fmt::format("{}-{}", names.empty() ? "" : ", ", name);
    for (const std::string& name : option->get_lnames())
      names += fmt::format("{}--{}", names.empty() ? "" : ", ", name);
    page +=
        fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(names), escaped(option->get_description()));
  }
}

void add_commands(std::string& page, const CLI::App& app, const std::string& path) {
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->get_name().empty()) {  // a group of options
      add_options(page, *child);
      continue;
    }
    if (child->get_group().empty()) continue;
    const std::string child_path = path + " " + child->get_name();
    page += fmt::format(".SS {}\n{}.\n", escaped(usage_of(*child, child_path)),
                        escaped(child->get_description()));
    add_options(page, *child);
    add_commands(page, *child, child_path);
  }
}

}  // namespace

std::string man_page(CLI::App& app) {
  std::string page = fmt::format(
      ".TH HEARTH 1 \"\" \"hearth {}\" \"User Commands\"\n"
      ".SH NAME\nhearth \\- run large language models on this computer\n"
      ".SH SYNOPSIS\n\\fBhearth\\fR [options] command ...\n"
      ".SH DESCRIPTION\n{}\n"
      "Commands that need the daemon start it in the background when nobody answers.\n"
      ".SH COMMANDS\n",
      version(), escaped(app.get_description()));
  add_commands(page, app, "hearth");
  page +=
      ".SH SETTINGS\nA flag goes before a variable, that before the files, that before the "
      "default.\n";
  for (const api::Setting& setting : api::settings()) {
    page +=
        fmt::format(".TP\n\\fB{}\\fR, \\fB{}\\fR\n{}\n", escaped(fmt::format("--{}", setting.name)),
                    escaped(setting.environment), escaped(api::setting_help(setting)));
  }
  page +=
      ".SH FILES\n.TP\n~/.config/hearth/config.toml\nsettings of a person\n"
      ".TP\n/etc/hearth/config.toml\nsettings of the computer\n"
      ".TP\n~/.hearth/models\nthe store\n"
      ".TP\n~/.hearth/history\nwhat was typed in chats\n"
      ".SH EXIT STATUS\n0 on success, 1 on any failure, with one line on standard error.\n";
  return page;
}

}  // namespace hearth::cli

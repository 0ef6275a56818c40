// The completions and the manual page follow the command tree.
#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

#include "cli/command_tree.h"
#include "cli/man_page.h"

using namespace hearth::cli;

TEST_CASE("every command and flag is in the completions and in the manual page") {
  CLI::App app("text", "hearth");
  Arguments arguments;
  Request request;
  add_commands(app, arguments, request);
  const std::string bash = bash_completion(app), zsh = zsh_completion(app),
                    fish = fish_completion(app), man = man_page(app);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = command->get_name();
    if (command->get_group().empty()) continue;
    INFO(name);
    CHECK_THAT(bash, Catch::Contains("    '" + name + "') "));
    CHECK_THAT(zsh, Catch::Contains("    '" + name + "') "));
    CHECK_THAT(fish, Catch::Contains(name));
    CHECK_THAT(man, Catch::Contains(".SS hearth " + name));
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& flag : option->get_lnames()) {
        INFO(flag);
        CHECK_THAT(bash, Catch::Contains("--" + flag));
        CHECK_THAT(zsh, Catch::Contains("--" + flag));
        CHECK_THAT(fish, Catch::Contains("-l " + flag));
      }
    }
  }
  CHECK_THAT(bash, Catch::Contains("'config show') ") && Catch::Contains("'ls') "));
  CHECK_THAT(bash, !Catch::Contains("'man') "));
  CHECK_THAT(man, Catch::Contains("HEARTH_KEEP_ALIVE"));
}

// All commands of `hearth`, as the library that reads command lines sees them. Help, completions
// and the man page are made from this tree.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/commands.h"

namespace CLI {
class App;
}

namespace hearth::cli {

// What a parsed command line wants done; at most one of the two is set.
struct Request {
  std::function<int(const Client&)> action;  // needs the daemon
  std::function<int(const Config&)> local;   // does not
};

// Where the library puts what it parses. Must outlive the tree and the request.
struct Arguments {
  RunOptions run;
  CreateOptions create;
  ShowOptions show;
  ConfigShowOptions config_show;
  TokenizeOptions tokenize;
  BenchOptions bench;
  TransferOptions transfer;
  GcOptions gc;
  VerifyOptions verify;
  ImportOptions import_place;
  ListOptions list;
  std::string name, other_name;
  std::vector<std::string> names;
  bool no_word_wrap = false;
  bool is_json = false;
};

void add_commands(CLI::App& app, Arguments& arguments, Request& request);

}  // namespace hearth::cli

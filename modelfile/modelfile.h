// The Modelfile: a text of commands that says how a model is made (FROM, PARAMETER, TEMPLATE,
// SYSTEM, ...).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::modelfile {

enum class CommandKind {
  from,
  license,
  template_text,
  system,
  adapter,
  draft,
  renderer,
  parser,
  parameter,
  message,
  requires_version
};

// The keyword as files write it, for example "PARAMETER".
std::string_view keyword(CommandKind kind);

struct Command {
  CommandKind kind;
  std::string key;    // PARAMETER: its name; MESSAGE: the role; otherwise empty
  std::string value;  // quotes taken off
  int line = 0;       // where the command starts, from 1; 0 when made by a program

  bool operator==(const Command& other) const {  // lines do not count
    return kind == other.kind && key == other.key && value == other.value;
  }
};

// Commands in the order of the file. Which of several wins is the creator's business (last, except
// lists).
struct Modelfile {
  std::vector<Command> commands;

  // The value of the last command of that kind, or empty.
  std::string_view last(CommandKind kind) const;
  // All values of that kind, in order.
  std::vector<std::string> all(CommandKind kind) const;
};

// UTF-8, or UTF-8/UTF-16 with a byte order mark. Throws Error{invalid_argument} with "(line N): "
// and the reason: unknown command, missing argument, unfinished quote, wrong role, no FROM at all.
Modelfile parse_modelfile(std::string_view bytes);

// parse_modelfile(print_modelfile(m)) gives m's commands again. One case has no notation: a value
// of several lines in which a line ends in three quotes; there the line break is printed as a
// space.
std::string print_modelfile(const Modelfile& modelfile);

}  // namespace hearth::modelfile

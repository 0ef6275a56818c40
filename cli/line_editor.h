// The prompt line of the chat: editing, history, Ctrl-C, Ctrl-D, Ctrl-G, pasted text. The only file
// that knows libedit.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace hearth::cli {

class LineEditor {
 public:
  // History is kept in `history_file` (mode 600, last 100 lines) unless the path is empty. `editor`
  // is the command line that Ctrl-G runs with the name of a file behind it.
  LineEditor(std::filesystem::path history_file, std::string editor);
  ~LineEditor();

  enum class Outcome { line, interrupted, end };
  // Reads one message; Ctrl-J and pasted line breaks are part of it, the last one is not.
  // `interrupted` is Ctrl-C, with what was typed in `line`; `end` is Ctrl-D on an empty line.
  Outcome read(const std::string& prompt, std::string& line);
  void remember(const std::string& line);

  struct State;  // libedit's handles; named here so that its callbacks can be told of them

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hearth::cli

// The prompt line of the chat: editing, history, Ctrl-C, Ctrl-D. The only file that knows libedit.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace hearth::cli {

class LineEditor {
 public:
  // History is kept in `history_file` (mode 600, last 100 lines) unless the path is empty.
  explicit LineEditor(std::filesystem::path history_file);
  ~LineEditor();

  enum class Outcome { line, interrupted, end };
  // Reads one line without its line break. `interrupted` is Ctrl-C, `end` is Ctrl-D on an empty
  // line.
  Outcome read(const std::string& prompt, std::string& line);
  void remember(const std::string& line);

  struct State;  // libedit's handles; named here so that its callbacks can be told of them

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hearth::cli

#include "cli/line_editor.h"

#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace hearth::cli {

struct LineEditor::State {
  EditLine* edit = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;
  std::filesystem::path history_file;
  bool is_interrupted = false;
};

namespace {

LineEditor::State* state_of(EditLine* edit) {
  void* data = nullptr;
  el_get(edit, EL_CLIENTDATA, &data);
  return static_cast<LineEditor::State*>(data);
}

char* show_prompt(EditLine* edit) {
  return state_of(edit)->prompt.data();
}

unsigned char on_interrupt(EditLine* edit, wint_t) {
  state_of(edit)->is_interrupted = true;
  return CC_EOF;
}

unsigned char on_suspend(EditLine*, wint_t) {
  ::raise(SIGTSTP);
  return CC_REFRESH;
}

}  // namespace

LineEditor::LineEditor(std::filesystem::path history_file) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.history_file = std::move(history_file);
  state.edit = el_init("hearth", stdin, stdout, stderr);
  state.history = history_init();
  history(state.history, &state.event, H_SETSIZE, 100);
  history(state.history, &state.event, H_SETUNIQUE, 1);
  el_set(state.edit, EL_CLIENTDATA, &state);
  el_set(state.edit, EL_PROMPT, &show_prompt);
  el_set(state.edit, EL_EDITOR, "emacs");
  el_set(state.edit, EL_HIST, history, state.history);
  // Ctrl-C and Ctrl-Z reach the editor as keys, so that they cannot leave the terminal in raw mode.
  el_set(state.edit, EL_SETTY, "-d", "-isig", nullptr);
  // The wide form keeps the names where they are; the narrow one copies them and never frees them.
  el_wset(state.edit, EL_ADDFN, L"hearth-interrupt", L"drop the line", &on_interrupt);
  el_wset(state.edit, EL_ADDFN, L"hearth-suspend", L"suspend the program", &on_suspend);
  el_set(state.edit, EL_BIND, "^C", "hearth-interrupt", nullptr);
  el_set(state.edit, EL_BIND, "^Z", "hearth-suspend", nullptr);
  el_set(state.edit, EL_BIND, "^W", "ed-delete-prev-word", nullptr);
  if (!state.history_file.empty())
    history(state.history, &state.event, H_LOAD, state.history_file.c_str());
}

LineEditor::~LineEditor() {
  history_end(state_->history);
  el_end(state_->edit);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  State& state = *state_;
  state.prompt = prompt;
  state.is_interrupted = false;
  int count = 0;
  const char* text = el_gets(state.edit, &count);
  if (state.is_interrupted) {
    el_reset(state.edit);
    std::fputs("^C\n", stdout);
    return Outcome::interrupted;
  }
  if (text == nullptr || count <= 0) return Outcome::end;
  line.assign(text, static_cast<size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return Outcome::line;
}

void LineEditor::remember(const std::string& line) {
  State& state = *state_;
  if (line.empty()) return;
  history(state.history, &state.event, H_ENTER, line.c_str());
  if (state.history_file.empty()) return;
  const mode_t mask = ::umask(077);
  std::error_code ignored;  // without a folder there is no history, which is no reason to stop
  std::filesystem::create_directories(state.history_file.parent_path(), ignored);
  history(state.history, &state.event, H_SAVE, state.history_file.c_str());
  ::umask(mask);
}

}  // namespace hearth::cli

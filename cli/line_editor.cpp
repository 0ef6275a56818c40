#include "cli/line_editor.h"

#include <histedit.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace hearth::cli {

struct LineEditor::State {
  EditLine* edit = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;
  std::filesystem::path history_file;
  std::string editor;
  std::string dropped;  // what stood in the line when Ctrl-C came
  bool is_interrupted = false;
  bool has_typed_ahead = false;  // lines that were typed before they were asked for
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

std::string narrow(std::wstring_view name) {
  return std::string(name.begin(), name.end());
}

std::string text_of(EditLine* edit) {
  const LineInfo* info = el_line(edit);
  return std::string(info->buffer, info->lastchar);
}

unsigned char on_interrupt(EditLine* edit, wint_t) {
  state_of(edit)->is_interrupted = true;
  state_of(edit)->dropped = text_of(edit);
  return CC_EOF;
}

unsigned char on_suspend(EditLine* edit, wint_t) {
  el_set(edit, EL_PREP_TERM, 0);
  ::raise(SIGTSTP);
  el_set(edit, EL_PREP_TERM, 1);
  return CC_REDISPLAY;
}

// Ctrl-J. What was typed while an answer came in went through the terminal's own line editing,
// which turns Return into this key: there it means Return.
unsigned char on_line_break(EditLine* edit, wint_t) {
  const bool is_return = state_of(edit)->has_typed_ahead;
  if (is_return) {
    const LineInfoW* info = el_wline(edit);
    el_cursor(edit, static_cast<int>(info->lastchar - info->cursor));
  }
  if (el_insertstr(edit, "\n") == -1) return CC_ERROR;
  return is_return ? CC_NEWLINE : CC_REFRESH;
}

unsigned char on_tab(EditLine* edit, wint_t) {
  return el_insertstr(edit, "        ") == -1 ? CC_ERROR : CC_REFRESH;
}

// Terminals put pasted text between ESC [ 200 ~ and ESC [ 201 ~: its line breaks do not send it.
unsigned char on_paste(EditLine* edit, wint_t) {
  constexpr std::wstring_view end = L"\x1b[201~";
  constexpr size_t pasted_max = size_t{1} << 20;
  std::wstring text;
  wchar_t c = 0;
  while (!text.ends_with(end) && text.size() < pasted_max && el_wgetc(edit, &c) == 1)
    text += c == L'\r' ? L'\n' : c;
  if (text.ends_with(end)) text.resize(text.size() - end.size());
  return el_winsertstr(edit, text.c_str()) == -1 ? CC_ERROR : CC_REFRESH;
}

// The file with the message while it is in the editor.
class DraftFile {
 public:
  explicit DraftFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "hearth-XXXXXX").string();
    const UniqueFd fd(::mkstemp(name.data()));
    if (!fd) throw Error(ErrorCode::internal, "cannot write a temporary file");
    path_ = name;
    write_all(fd.get(), std::as_bytes(std::span(text)), name);
  }
  DraftFile(const DraftFile&) = delete;
  DraftFile& operator=(const DraftFile&) = delete;
  ~DraftFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The message as the editor left it; as it was when the editor failed.
std::string edited(const std::string& editor, const std::string& text) {
  const DraftFile draft(text);
  if (std::system((editor + " '" + draft.path() + "'").c_str()) != 0) return text;
  std::string changed = read_file(draft.path());
  while (changed.ends_with('\n')) changed.pop_back();
  return changed;
}

unsigned char on_editor(EditLine* edit, wint_t) {
  const std::string text = text_of(edit);
  std::string changed = text;
  el_set(edit, EL_PREP_TERM, 0);
  try {
    changed = edited(state_of(edit)->editor, text);
  } catch (const Error&) {  // C code lies between here and the caller; the line stays as it was
  }
  el_set(edit, EL_PREP_TERM, 1);
  const LineInfoW* info = el_wline(edit);
  el_cursor(edit, static_cast<int>(info->lastchar - info->cursor));
  el_wdeletestr(edit, static_cast<int>(info->lastchar - info->buffer));
  if (el_insertstr(edit, changed.c_str()) == -1) return CC_ERROR;
  return CC_REDISPLAY;
}

void bind_keys(EditLine* edit) {
  struct Key {
    const wchar_t* name;
    const wchar_t* help;
    unsigned char (*function)(EditLine*, wint_t);
    const char* key;
  };
  constexpr Key keys[] = {
      {L"hearth-interrupt", L"drop the line", &on_interrupt, "^C"},
      {L"hearth-suspend", L"suspend the program", &on_suspend, "^Z"},
      {L"hearth-break", L"a line break in the message", &on_line_break, "^J"},
      {L"hearth-editor", L"write the message in an editor", &on_editor, "^G"},
      {L"hearth-paste", L"pasted text", &on_paste, "\\e[200~"},
      {L"hearth-tab", L"eight spaces", &on_tab, "^I"},
  };
  for (const Key& key : keys) {
    // The wide form keeps the names where they are; the narrow one copies them and never frees
    // them.
    el_wset(edit, EL_ADDFN, key.name, key.help, key.function);
    el_set(edit, EL_BIND, key.key, narrow(key.name).c_str(), nullptr);
  }
  el_set(edit, EL_BIND, "^W", "ed-delete-prev-word", nullptr);
}

void bracketed_paste(bool is_on) {
  std::fputs(is_on ? "\x1b[?2004h" : "\x1b[?2004l", stdout);
  std::fflush(stdout);
}

}  // namespace

LineEditor::LineEditor(std::filesystem::path history_file, std::string editor)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.history_file = std::move(history_file);
  state.editor = std::move(editor);
  state.edit = el_init("hearth", stdin, stdout, stderr);
  state.history = history_init();
  history(state.history, &state.event, H_SETSIZE, 100);
  history(state.history, &state.event, H_SETUNIQUE, 1);
  el_set(state.edit, EL_CLIENTDATA, &state);
  el_set(state.edit, EL_PROMPT, &show_prompt);
  el_set(state.edit, EL_EDITOR, "emacs");
  el_set(state.edit, EL_HIST, history, state.history);
  // Ctrl-C and Ctrl-Z reach the editor as keys, so that they cannot leave the terminal in raw mode;
  // Return and Ctrl-J are told apart.
  el_set(state.edit, EL_SETTY, "-d", "-isig", "-icrnl", "-inlcr", nullptr);
  bind_keys(state.edit);
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
  int waiting_bytes = 0;
  state.has_typed_ahead = ::ioctl(STDIN_FILENO, FIONREAD, &waiting_bytes) == 0 && waiting_bytes > 0;
  bracketed_paste(true);
  const char* text = el_gets(state.edit, &count);
  bracketed_paste(false);
  if (state.is_interrupted) {
    el_reset(state.edit);
    std::fputs("^C\n", stdout);
    line = std::move(state.dropped);
    return Outcome::interrupted;
  }
  if (text == nullptr || count <= 0) return Outcome::end;
  line.assign(text, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
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

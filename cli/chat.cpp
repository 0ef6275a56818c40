// A session is a list of messages plus what /set changed; every turn sends all of it to /api/chat.
#include "cli/chat.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/chat_session.h"
#include "cli/line_editor.h"
#include "cli/load_model.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view quotes = "\"\"\"";

void answer(Session& session, const std::string& prompt) {
  session.messages.push_back({{"role", "user"}, {"content", prompt}});
  const Answer reply = stream_answer(session.client, "/api/chat", chat_request(session),
                                     answer_options(session.options));
  session.messages.push_back({{"role", "assistant"}, {"content", reply.text}});
  print("\n");
}

// Where the text of several lines begins in `line`: after three quotes at its start, or those that
// follow "/set system". npos: it has none.
size_t opening(const std::string& line) {
  const size_t at = line.find(quotes);
  if (at == std::string::npos) return at;
  const std::string before = line.substr(0, at);
  const bool is_start = before.find_first_not_of(' ') == std::string::npos;
  return is_start || before.starts_with("/set system ") ? at : std::string::npos;
}

// A whole message: one line, or everything between two times three quotes. False at the end of
// input.
bool read_message(LineEditor& editor, std::string& message) {
  message.clear();
  std::string line;
  bool is_open = false;
  for (;;) {
    const auto outcome = editor.read(is_open ? "... " : ">>> ", line);
    if (outcome == LineEditor::Outcome::end) return false;
    if (outcome == LineEditor::Outcome::interrupted) {
      if (line.empty() && !is_open) print("Use Ctrl + d or /bye to exit.\n");
      message.clear();
      is_open = false;
      continue;
    }
    std::string_view rest = line;
    if (!is_open) {
      const size_t at = opening(line);
      message = line.substr(0, at);
      if (at == std::string::npos) return true;
      is_open = true;
      rest.remove_prefix(at + quotes.size());
    }
    const size_t end = rest.rfind(quotes);
    if (end != std::string::npos &&
        rest.find_first_not_of(" ", end + quotes.size()) == std::string::npos) {
      message += rest.substr(0, end);
      return true;
    }
    message += rest;
    message += '\n';
  }
}

void print_stored_messages(const Json& shown) {
  for (const Json& message : shown.value("messages", Json::array())) {
    const std::string content = message.value("content", "");
    const std::string role = message.value("role", "");
    if (role == "user") print(fmt::format(">>> {}\n", content));
    if (role == "assistant") print(content + "\n\n");
  }
}

// False when the chat is over.
bool take_turn(Session& session, const std::string& message) {
  try {
    if (message.starts_with('/')) return run_chat_command(session, message);
    answer(session, message);
  } catch (const Error& error) {  // the prompt is this program's session: an error ends one turn,
                                  // not the chat
    note(fmt::format("Error: {}", error.what()));
    const bool is_late = session.messages.size() > 2 && !message.starts_with('/');
    if (is_late && error.code() == ErrorCode::invalid_argument)
      note("`/clear` forgets the chat so far.");
    if (!session.messages.empty() && session.messages.back()["role"] == "user")
      session.messages.erase(session.messages.size() - 1);
  }
  return true;
}

}  // namespace

int chat(const Client& client, const RunOptions& options, const Json& shown) {
  Session session{client, options, Json::array(), {}, {}, client.config().keeps_history};
  load_model(client, options.model, options.keep_alive);
  print_stored_messages(shown);
  LineEditor editor(
      session.keeps_history ? client.config().home / "history" : std::filesystem::path(),
      client.config().editor);
  print("Send a message (/? for help)\n");
  std::string message;
  while (read_message(editor, message)) {
    if (message.find_first_not_of(" \t\n") == std::string::npos) continue;
    if (session.keeps_history) editor.remember(message);
    if (!take_turn(session, message)) break;
  }
  return 0;
}

}  // namespace hearth::cli

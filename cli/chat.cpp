// A session is a list of messages plus what /set changed; every turn sends all of it to /api/chat.
#include "cli/chat.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/line_editor.h"
#include "cli/load_model.h"
#include "cli/terminal.h"
#include "modelfile/parameters.h"

namespace hearth::cli {
namespace {

constexpr std::string_view help_text =
    "  /set parameter NAME VALUE   change an option, for example: /set parameter temperature 0.2\n"
    "  /set system TEXT            replace the system message\n"
    "  /set verbose | quiet        show metrics after each answer, or not\n"
    "  /set wordwrap | nowordwrap  wrap long lines, or not\n"
    "  /show info | license | modelfile | parameters | system | template\n"
    "  /clear                      forget the conversation\n"
    "  /bye                        leave (also Ctrl-D)\n"
    "  /?                          this text\n"
    "\n"
    "  \"\"\" starts and ends a message of several lines. Ctrl-C stops the answer.\n";

struct Session {
  const Client& client;
  RunOptions options;
  Json messages = Json::array();
  std::string system;
  modelfile::Parameters parameters;
};

// Words of a command; the last one takes the rest of the line.
std::vector<std::string> split_words(const std::string& line, size_t words_max) {
  std::vector<std::string> words;
  std::istringstream stream(line);
  std::string word;
  while (words.size() + 1 < words_max && stream >> word) words.push_back(word);
  std::string rest;
  std::getline(stream, rest);
  if (const auto start = rest.find_first_not_of(' '); start != std::string::npos)
    words.push_back(rest.substr(start));
  return words;
}

void set(Session& session, const std::string& line) {
  const auto words = split_words(line, 3);
  const std::string what = words.size() > 1 ? words[1] : "";
  const std::string rest = words.size() > 2 ? words[2] : "";
  if (what == "system" && !rest.empty()) {
    session.system = rest;
    return print("Set system message.\n");
  }
  if (what == "parameter" && rest.find(' ') != std::string::npos) {
    const auto gap = rest.find(' ');
    modelfile::set_parameter(session.parameters, rest.substr(0, gap),
                             rest.substr(rest.find_first_not_of(' ', gap)));
    return print(fmt::format("Set parameter {}.\n", rest));
  }
  if (what == "verbose" || what == "quiet") {
    session.options.is_verbose = what == "verbose";
    return print(fmt::format("Set '{}' mode.\n", what));
  }
  if (what == "wordwrap" || what == "nowordwrap") {
    session.options.wraps_words = what == "wordwrap";
    return print(fmt::format("Set '{}' mode.\n", what));
  }
  print(
      "Usage: /set parameter NAME VALUE, /set system TEXT, /set verbose, quiet, wordwrap or "
      "nowordwrap\n");
}

void show_section(Session& session, const std::string& line) {
  const auto words = split_words(line, 3);
  const std::string what = words.size() > 1 ? words[1] : "";
  const Json shown = session.client.post("/api/show", {{"model", session.options.model}});
  if (what == "info") return print(describe_model(shown, false));
  if (what == "system" && !session.system.empty()) return print(session.system + "\n");
  if (what == "license" || what == "modelfile" || what == "parameters" || what == "system" ||
      what == "template") {
    const std::string text = shown.value(what, "");
    return print(text.empty() ? fmt::format("This model has no {}.\n", what) : text + "\n");
  }
  print("Usage: /show info, license, modelfile, parameters, system or template\n");
}

// False when the chat is over.
bool command(Session& session, const std::string& line) {
  if (line == "/bye" || line == "/exit") return false;
  if (line == "/?" || line == "/help") {
    print(help_text);
  } else if (line == "/clear") {
    session.messages = Json::array();
    print("Cleared the conversation.\n");
  } else if (line.starts_with("/set")) {
    set(session, line);
  } else if (line.starts_with("/show")) {
    show_section(session, line);
  } else {
    print(fmt::format("Unknown command '{}'. Type /? for help.\n", line.substr(0, line.find(' '))));
  }
  return true;
}

void answer(Session& session, const std::string& prompt) {
  session.messages.push_back({{"role", "user"}, {"content", prompt}});
  Json messages = session.messages;
  if (!session.system.empty())
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", session.system}});
  Json body = {{"model", session.options.model},
               {"messages", messages},
               {"options", modelfile::to_json(session.parameters)}};
  if (!session.options.keep_alive.empty()) body["keep_alive"] = session.options.keep_alive;
  if (!session.options.format.empty()) body["format"] = session.options.format;
  const Answer reply = stream_answer(session.client, "/api/chat", body,
                                     {session.options.wraps_words, session.options.is_verbose});
  session.messages.push_back({{"role", "assistant"}, {"content", reply.text}});
  print("\n");
}

// A whole message: one line, or everything between two lines of three quotes. False at the end of
// input.
bool read_message(LineEditor& editor, std::string& message) {
  message.clear();
  std::string line;
  bool is_open = false;
  for (;;) {
    const auto outcome = editor.read(is_open ? "... " : ">>> ", line);
    if (outcome == LineEditor::Outcome::end) return false;
    if (outcome == LineEditor::Outcome::interrupted) {
      if (message.empty() && !is_open) note("Use Ctrl-D or /bye to leave.");
      message.clear();
      is_open = false;
      continue;
    }
    if (!is_open && line.starts_with("\"\"\"")) {
      is_open = true;
      line.erase(0, 3);
    } else if (!is_open) {
      message = line;
      return true;
    }
    if (line.ends_with("\"\"\"")) {
      message += line.substr(0, line.size() - 3);
      return true;
    }
    message += line + "\n";
  }
}

}  // namespace

int chat(const Client& client, const RunOptions& options) {
  Session session{client, options, Json::array(), {}, {}};
  load_model(client, options.model, options.keep_alive);
  LineEditor editor(client.config().keeps_history ? client.config().home / "history"
                                                  : std::filesystem::path());
  print("Type a message, or /? for help.\n");
  std::string message;
  while (read_message(editor, message)) {
    if (message.find_first_not_of(" \t\n") == std::string::npos) continue;
    editor.remember(message);
    try {
      if (!message.starts_with('/')) {
        answer(session, message);
      } else if (!command(session, message)) {
        break;
      }
    } catch (const Error& error) {  // the prompt is this program's session: an error ends one turn,
                                    // not the chat
      note(fmt::format("Error: {}", error.what()));
      if (!session.messages.empty() && session.messages.back()["role"] == "user")
        session.messages.erase(session.messages.size() - 1);
    }
  }
  return 0;
}

}  // namespace hearth::cli

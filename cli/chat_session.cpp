#include "cli/chat_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "cli/load_model.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view general_help =
    "Available Commands:\n"
    "  /set            Set session variables\n"
    "  /show           Show model information\n"
    "  /load <model>   Load another model; the conversation starts anew\n"
    "  /save <model>   Save the session as a model: system message, parameters and messages\n"
    "  /list [prefix]  List models\n"
    "  /clear          Forget the conversation\n"
    "  /bye            Exit (also /exit, and Ctrl-D on an empty line)\n"
    "  /?, /help       Help for a command; /? shortcuts lists the keys\n"
    "\n"
    "Use \"\"\" to begin and to end a message of several lines.\n";

constexpr std::string_view set_help =
    "Available Commands:\n"
    "  /set parameter <name> <value>  Set a parameter; /? parameters lists them\n"
    "  /set system <text>             Set the system message\n"
    "  /set history | nohistory       Keep what is typed for the next session, or not\n"
    "  /set wordwrap | nowordwrap     Wrap long lines at words, or not\n"
    "  /set format json | noformat    Ask for JSON (or give a schema), or not\n"
    "  /set verbose | quiet           Show metrics after each answer, or not\n"
    "  /set think [level] | nothink   Let the model think first, or not\n";

constexpr std::string_view show_help =
    "Available Commands:\n"
    "  /show info         What the model is\n"
    "  /show license      Its license\n"
    "  /show modelfile    Its Modelfile\n"
    "  /show parameters   Its parameters, and those set here\n"
    "  /show system       The system message\n"
    "  /show template     Its prompt template\n";

constexpr std::string_view shortcuts_help =
    "Available keyboard shortcuts:\n"
    "  Ctrl-A, Ctrl-E     Start, end of the line\n"
    "  Alt-B, Alt-F       Back, forward one word\n"
    "  Ctrl-K, Ctrl-U     Delete to the end, to the start of the line\n"
    "  Ctrl-W             Delete the word before the cursor\n"
    "  Ctrl-P, Ctrl-N     The line before, after this one in the history (also the arrows)\n"
    "  Ctrl-J             A line break within the message\n"
    "  Ctrl-G             Write the message in an editor\n"
    "  Ctrl-L             Clear the screen\n"
    "  Ctrl-C             Drop the line, or stop the answer\n"
    "  Ctrl-D             Leave\n";

std::string parameters_help() {
  std::string text = "Available Parameters:\n";
  for (const modelfile::ParameterRow& row : modelfile::parameter_table()) {
    text += fmt::format("  {:<34}{} [{}]\n",
                        fmt::format("/set parameter {} <{}>", row.name, modelfile::type_name(row)),
                        row.help, row.default_text);
  }
  return text;
}

// The words of a line. Between double quotes a word may have spaces.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool is_quoted = false, has_word = false;
  for (const char c : line) {
    if (c == '"') {
      is_quoted = !is_quoted;
      has_word = true;
    } else if ((c == ' ' || c == '\t') && !is_quoted) {
      if (has_word) words.push_back(std::exchange(word, {}));
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(word);
  return words;
}

// What follows the first `count` words, as it was written.
std::string text_after(const std::string& line, int count) {
  size_t at = 0;
  for (int i = 0; i < count && at != std::string::npos; ++i) {
    at = line.find_first_of(" \t\n", at);
    if (at != std::string::npos) at = line.find_first_not_of(" \t\n", at);
  }
  return at == std::string::npos ? "" : line.substr(at);
}

void help(const std::vector<std::string>& words) {
  std::string topic = words.size() > 1 ? words[1] : "";
  if (topic.starts_with('/')) topic.erase(0, 1);
  if (topic == "set") return print(set_help);
  if (topic == "show") return print(show_help);
  if (topic == "shortcut" || topic == "shortcuts") return print(shortcuts_help);
  if (topic == "parameters") return print(parameters_help());
  print(general_help);
}

// Several values make a list. Nothing changes when one of them is wrong.
void set_parameter(Session& session, const std::vector<std::string>& words) {
  if (words.size() < 4) return print(parameters_help());
  modelfile::Parameters changed = session.parameters;
  if (words[2] == "stop") changed.stop.reset();
  for (size_t i = 3; i < words.size(); ++i) {
    if (i > 3 && words[2] != "stop") {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{}: expected one value, found {}", words[2], words.size() - 3));
    }
    modelfile::set_parameter(changed, words[2], words[i]);
  }
  session.parameters = std::move(changed);
  std::string values;
  for (size_t i = 3; i < words.size(); ++i) values += (i > 3 ? ", " : "") + words[i];
  print(fmt::format("Set parameter '{}' to '{}'\n", words[2], values));
  const std::string_view why = modelfile::missing_effect(session.parameters, words[2]);
  if (!why.empty()) note(fmt::format("parameter {} has {}", words[2], why));
}

void set_think(Session& session, const std::vector<std::string>& words) {
  constexpr std::array levels = {"true", "false", "low", "medium", "high", "max"};
  const std::string level = words.size() > 2 ? words[2] : "true";
  if (std::find(levels.begin(), levels.end(), level) == levels.end()) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("think: expected low, medium, high, max, true or false, found \"{}\"", level));
  }
  session.options.think = level;
  print(level == "true" || level == "false"
            ? fmt::format("Set '{}' mode.\n", level == "true" ? "think" : "nothink")
            : fmt::format("Set 'think' mode to '{}'.\n", level));
}

void set_format(Session& session, const std::string& text) {
  if (text != "json" && !Json::accept(text)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("format: expected json or a JSON schema, found \"{}\"", text));
  }
  session.options.format = text;
  print(text == "json" ? "Set format to 'json' mode.\n" : "Set format to the schema.\n");
}

void set(Session& session, const std::string& line, const std::vector<std::string>& words) {
  struct Toggle {
    std::string_view name;
    bool* member;
    bool value;
  };
  const Toggle toggles[] = {
      {"verbose", &session.options.is_verbose, true},
      {"quiet", &session.options.is_verbose, false},
      {"wordwrap", &session.options.wraps_words, true},
      {"nowordwrap", &session.options.wraps_words, false},
      {"history", &session.keeps_history, true},
      {"nohistory", &session.keeps_history, false},
  };
  const std::string what = words.size() > 1 ? words[1] : "";
  for (const Toggle& toggle : toggles) {
    if (toggle.name != what) continue;
    *toggle.member = toggle.value;
    return print(fmt::format("Set '{}' mode.\n", what));
  }
  if (what == "parameter") return set_parameter(session, words);
  if (what == "think") return set_think(session, words);
  if (what == "nothink") return set_think(session, {"/set", "think", "false"});
  if (what == "format" && words.size() > 2) return set_format(session, text_after(line, 2));
  if (what == "noformat") {
    session.options.format.clear();
    return print("Disabled format.\n");
  }
  if (what == "system" && words.size() > 2) {
    session.system = text_after(line, 2);
    return print("Set system message.\n");
  }
  if (!what.empty() && what != "system" && what != "format")
    print(fmt::format("Unknown command '/set {}'. Type /? for help\n", what));
  print(set_help);
}

void show(Session& session, const std::vector<std::string>& words) {
  const std::string what = words.size() > 1 ? words[1] : "";
  constexpr std::array sections = {"info",       "license", "modelfile",
                                   "parameters", "system",  "template"};
  if (std::find(sections.begin(), sections.end(), what) == sections.end()) {
    if (!what.empty()) print(fmt::format("Unknown command '/show {}'. Type /? for help\n", what));
    return print(show_help);
  }
  const Json shown = session.client.post("/api/show", {{"model", session.options.model}});
  if (what == "info") return print(describe_model(shown, false));
  if (what == "system" && !session.system.empty()) return print(session.system + "\n");
  const std::string text = shown.value(what, "");
  const std::string ours =
      what == "parameters" ? modelfile::print_parameters(session.parameters) : std::string();
  if (!text.empty()) print((ours.empty() ? "" : "Model defined parameters:\n") + text + "\n");
  if (!ours.empty()) print("User defined parameters:\n" + ours + "\n");
  if (!text.empty() || !ours.empty()) return;
  print(what == "parameters" ? "No additional parameters were specified for this model.\n"
                             : fmt::format("No {} was specified for this model.\n",
                                           what == "system"     ? "system message"
                                           : what == "template" ? "prompt template"
                                                                : what));
}

void load(Session& session, const std::vector<std::string>& words) {
  if (words.size() != 2) return print("Usage:\n  /load <modelname>\n");
  load_model(session.client, words[1], session.options.keep_alive);
  session.options.model = words[1];
  session.messages = Json::array();
  print(fmt::format("Loaded model '{}'\n", words[1]));
}

// The model's own messages come first, so that the saved model goes on where this chat is.
void save(const Session& session, const std::vector<std::string>& words) {
  if (words.size() != 2) return print("Usage:\n  /save <modelname>\n");
  const Json shown = session.client.post("/api/show", {{"model", session.options.model}});
  Json messages = shown.value("messages", Json::array());
  for (const Json& message : session.messages) messages.push_back(message);
  Json body = {{"model", words[1]}, {"from", session.options.model}, {"stream", false}};
  if (!session.system.empty()) body["system"] = session.system;
  if (Json values = modelfile::to_json(session.parameters); !values.empty())
    body["parameters"] = std::move(values);
  if (!messages.empty()) body["messages"] = std::move(messages);
  session.client.post("/api/create", body);
  print(fmt::format("Created new model '{}'\n", words[1]));
}

}  // namespace

Json chat_request(const Session& session) {
  Json messages = session.messages;
  if (!session.system.empty())
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", session.system}});
  Json body = {{"model", session.options.model},
               {"messages", std::move(messages)},
               {"options", modelfile::to_json(session.parameters)}};
  add_run_options(body, session.options);
  return body;
}

bool run_chat_command(Session& session, const std::string& line) {
  const std::vector<std::string> words = words_of(line);
  const std::string& name = words[0];
  if (name == "/bye" || name == "/exit") return false;
  if (name == "/?" || name == "/help") {
    help(words);
  } else if (name == "/set") {
    set(session, line, words);
  } else if (name == "/show") {
    show(session, words);
  } else if (name == "/load") {
    load(session, words);
  } else if (name == "/save") {
    save(session, words);
  } else if (name == "/list") {
    list(session.client, {.prefix = words.size() > 1 ? words[1] : "", .shows_paths = false});
  } else if (name == "/clear") {
    session.messages = Json::array();
    print("Cleared session context\n");
  } else {
    print(fmt::format("Unknown command '{}'. Type /? for help\n", name));
  }
  return true;
}

}  // namespace hearth::cli

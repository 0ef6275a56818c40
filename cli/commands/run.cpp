// `hearth run MODEL [PROMPT]`: one answer, or a chat when there is no prompt and a person is at the
// terminal.
#include <fmt/format.h>

#include <charconv>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "api/duration.h"
#include "base/error.h"
#include "cli/answer.h"
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/load_model.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// Piped input comes before the words of the command line, as it is: its last line break stays.
std::string whole_prompt(const RunOptions& options) {
  std::string prompt;
  if (!input_is_terminal()) prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
  for (const auto& word : options.prompt) {
    if (!prompt.empty()) prompt += ' ';
    prompt += word;
  }
  return prompt;
}

bool is_for_embeddings(const Json& shown) {
  bool embeds = false, answers = false;
  for (const Json& capability : shown.value("capabilities", Json::array())) {
    embeds |= capability == "embedding";
    answers |= capability == "completion";
  }
  return embeds && !answers;
}

int print_embedding(const Client& client, const RunOptions& options, const std::string& text) {
  if (text.empty()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} makes embeddings and needs a text: hearth run {} \"text\"",
                            options.model, options.model));
  }
  Json body = {{"model", options.model}, {"input", text}};
  if (!options.keep_alive.empty()) body["keep_alive"] = keep_alive_value(options.keep_alive);
  if (options.dimensions > 0) body["dimensions"] = options.dimensions;
  if (!options.truncate.empty()) body["truncate"] = options.truncate == "true";
  const Json answer = client.post("/api/embed", body);
  const Json vectors = answer.value("embeddings", Json::array());
  if (vectors.empty()) throw Error(ErrorCode::internal, "the daemon sent no embedding");
  print(vectors[0].dump() + "\n");
  return 0;
}

}  // namespace

Json keep_alive_value(const std::string& text) {
  if (api::parse_go_duration(text)) return text;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("keepalive: expected a duration such as 5m, or seconds, found \"{}\"", text));
  }
  return seconds;
}

AnswerOptions answer_options(const RunOptions& options) {
  return {options.wraps_words, options.is_verbose, options.hides_thinking};
}

void add_run_options(Json& body, const RunOptions& options) {
  if (!options.keep_alive.empty()) body["keep_alive"] = keep_alive_value(options.keep_alive);
  if (!options.format.empty()) {
    const Json schema = Json::parse(options.format, nullptr, false);
    body["format"] = schema.is_object() ? schema : Json(options.format);
  }
  if (options.think == "true" || options.think == "false") {
    body["think"] = options.think == "true";
  } else if (!options.think.empty()) {
    body["think"] = options.think;
  }
}

int run(const Client& client, const RunOptions& given) {
  RunOptions options = given;
  if (options.model.empty()) {
    options.model = starter_model;
    note(
        "No model named: this is starter, the small one that comes with hearth. It knows hearth "
        "and "
        "little else;");
    note("`hearth run llama3.2` pulls a bigger one, `hearth tour` shows what there is.");
  }
  if (!options.keep_alive.empty()) keep_alive_value(options.keep_alive);
  const Json shown = find_model(client, options.model, options.is_insecure);
  const std::string prompt = whole_prompt(options);
  if (is_for_embeddings(shown)) return print_embedding(client, options, prompt);
  if (prompt.empty() && options.prompt.empty() && input_is_terminal() && output_is_terminal())
    return chat(client, options, shown);
  if (prompt.empty() || errors_are_terminal())
    load_model(client, options.model, options.keep_alive);
  if (prompt.empty()) return 0;
  Json body = {{"model", options.model}, {"prompt", prompt}};
  add_run_options(body, options);
  stream_answer(client, "/api/generate", body, answer_options(options));
  return 0;
}

}  // namespace hearth::cli

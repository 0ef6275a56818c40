// `hearth run MODEL [PROMPT]`: one answer, or a chat when there is no prompt and a person is at the
// terminal.
#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/answer.h"
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/load_model.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

// Piped input comes before the words of the command line.
std::string whole_prompt(const RunOptions& options) {
  std::string prompt;
  if (!input_is_terminal()) {
    prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
    while (!prompt.empty() && prompt.back() == '\n') prompt.pop_back();
  }
  for (const auto& word : options.prompt) {
    if (!prompt.empty()) prompt += ' ';
    prompt += word;
  }
  return prompt;
}

void check_model(const Client& client, const std::string& model) {
  try {
    client.post("/api/show", {{"model", model}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "{}; `hearth list` shows what is there, `hearth create {} -f Modelfile` makes it "
            "from a GGUF file",
            error.what(), model));
  }
}

}  // namespace

int run(const Client& client, const RunOptions& options) {
  check_model(client, options.model);
  const std::string prompt = whole_prompt(options);
  if (prompt.empty() && options.prompt.empty() && input_is_terminal() && output_is_terminal())
    return chat(client, options);
  if (prompt.empty() || errors_are_terminal())
    load_model(client, options.model, options.keep_alive);
  if (prompt.empty()) return 0;
  Json body = {{"model", options.model}, {"prompt", prompt}};
  if (!options.keep_alive.empty()) body["keep_alive"] = options.keep_alive;
  if (!options.format.empty()) {
    const Json schema = Json::parse(options.format, nullptr, false);
    body["format"] = schema.is_object() ? schema : Json(options.format);
  }
  stream_answer(client, "/api/generate", body, {options.wraps_words, options.is_verbose});
  return 0;
}

}  // namespace hearth::cli

// What a template sees: the chat as JSON, and JSON as values with the marks of trust.
#pragma once

#include <string_view>

#include "modelfile/template.h"
#include "modelfile/template/jinja/value.h"

namespace hearth::modelfile {

// Words that templates build control tokens from, as in '<|' + message.role + '|>': the usual
// roles, kinds of content parts, efforts. None of them is a control token itself, so whoever sends
// them gains nothing by their being trusted.
bool is_known_word(std::string_view text);

// The variables that Hugging Face's chat templates expect.
Json context_json(const RenderContext& context);

// Strings are untrusted, except texts of tokens (keys *_token at the top), the known role names and
// kinds of content parts, and the known words of reasoning_effort. Throws Error{invalid_argument}
// for JSON nested too deeply.
const jinja::Dict& context_values(const Json& context, jinja::Heap& heap);

}  // namespace hearth::modelfile

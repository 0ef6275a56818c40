// Calls written as programs write them: f(a='x', n=1), and f{a:<|"|>x<|"|>,n:1}.
#include "modelfile/reply/call_body.h"
#include "modelfile/reply/literal.h"

namespace hearth::modelfile::reply {
namespace {

CallBody stopped(const LiteralReader& reader, const BodyInput& input) {
  if (reader.is_short() && !input.is_end) return {};
  return CallBody::broken(0, "what stands in place of a call is none");
}

// f(1, b=2): arguments without names are those the tool lists at their places.
std::optional<ToolCall> read_function(LiteralReader& reader, const ToolSet& tools) {
  std::optional<std::string> name = reader.name();
  if (!name || !reader.take('(')) return std::nullopt;
  ToolCall call{"", std::move(*name), Json::object()};
  const std::string tool = tools.resolve(call.name).value_or(call.name);
  for (size_t index = 0; !reader.take(')'); ++index) {
    if (reader.is_short()) return std::nullopt;
    LiteralReader ahead = reader;
    std::optional<std::string> key = ahead.name();
    if (key && ahead.take('=')) {
      reader = ahead;
    } else {
      key = tools.parameter_at(tool, index);
    }
    std::optional<Json> value = key ? reader.value() : std::nullopt;
    if (!value) return std::nullopt;
    call.arguments[*key] = std::move(*value);
    if (!reader.take(',') && (reader.is_short() || !reader.is_next(')'))) return std::nullopt;
  }
  return call;
}

// A key's bare text has the type the tool asks for.
void coerce_texts(ToolCall& call, const ToolSet& tools) {
  const std::string tool = tools.resolve(call.name).value_or(call.name);
  for (auto entry = call.arguments.begin(); entry != call.arguments.end(); ++entry) {
    if (entry->is_string())
      *entry = tools.coerce(tool, entry.key(), "\n" + entry->get<std::string>() + "\n");
  }
}

}  // namespace

CallBody read_pythonic(const BodyInput& input) {
  LiteralReader reader(input.text, {});
  const bool is_list = reader.take('[');
  std::vector<ToolCall> calls;
  do {
    std::optional<ToolCall> call = read_function(reader, input.tools);
    if (!call) return stopped(reader, input);
    calls.push_back(std::move(*call));
  } while (is_list && reader.take(','));
  if (is_list && !reader.take(']')) return stopped(reader, input);
  return CallBody::done(reader.place(), std::move(calls));
}

CallBody read_key_value(const BodyInput& input) {
  size_t begin = skip_blanks(input.text, 0);
  const Match prefix = match_at(input.text, begin, input.style.name_open);
  if (prefix == Match::maybe) return {};
  if (prefix == Match::yes) begin += input.style.name_open.size();
  LiteralReader reader(
      input.text.substr(begin),
      {.quote = input.style.quote, .allows_bare_text = true, .has_bare_keys = true});
  std::optional<std::string> name = reader.name();
  if (!name) return stopped(reader, input);
  if (!reader.is_next('{')) return stopped(reader, input);
  std::optional<Json> arguments = reader.value();
  if (!arguments) return stopped(reader, input);
  ToolCall call{"", std::move(*name), std::move(*arguments)};
  coerce_texts(call, input.tools);
  return CallBody::done(begin + reader.place(), {std::move(call)});
}

}  // namespace hearth::modelfile::reply

#include "modelfile/reply/grammar_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace hearth::modelfile::reply {
namespace {

// One character as GBNF writes it, inside quotes or brackets.
std::string escaped(std::string_view character) {
  constexpr std::string_view specials = "\"\\[]^-";
  if (character == "\n") return "\\n";
  if (character.size() == 1 && specials.find(character[0]) != specials.npos)
    return fmt::format("\\{}", character);
  if (character.size() == 1 && static_cast<unsigned char>(character[0]) < 0x20)
    return fmt::format("\\x{:02X}", static_cast<unsigned>(character[0]));
  return std::string(character);
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const auto size = static_cast<size_t>(decode_utf8(text).size_bytes);
    all.push_back(escaped(text.substr(0, size)));
    text.remove_prefix(size);
  }
  return all;
}

std::string quoted(std::string_view text) {
  std::string all;
  for (const std::string& character : characters(text)) all += character;
  return fmt::format("\"{}\"", all);
}

// A tag that a vocabulary may have as one token: <...> or [...], and not a name or a sign.
bool is_tag(std::string_view text) {
  const bool has_brackets = (text.starts_with('<') && text.ends_with('>')) ||
                            (text.starts_with('[') && text.ends_with(']'));
  return has_brackets && text.size() > 2;
}

}  // namespace

GrammarText::GrammarText(std::vector<std::string> tags) : tags_(std::move(tags)) {
  tags_.erase(std::remove_if(tags_.begin(), tags_.end(),
                             [](const std::string& text) { return !is_tag(text); }),
              tags_.end());
  std::sort(tags_.begin(), tags_.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string GrammarText::add_part(CallGrammar::Part::Kind kind, std::string text) {
  for (const CallGrammar::Part& part : parts_) {
    if (part.kind == kind && part.text == text) return part.name;
  }
  parts_.push_back({fmt::format("p{}", parts_.size()), kind, std::move(text)});
  return parts_.back().name;
}

std::string GrammarText::literal(std::string_view text) {
  std::string all;
  size_t plain = 0;  // text before this is written
  for (size_t at = 0; at < text.size();) {
    const auto tag = std::find_if(tags_.begin(), tags_.end(), [&](const std::string& entry) {
      return text.substr(at).starts_with(entry);
    });
    if (tag == tags_.end()) {
      ++at;
      continue;
    }
    if (at > plain) all += quoted(text.substr(plain, at - plain)) + " ";
    all += add_part(CallGrammar::Part::Kind::tag, *tag) + " ";
    plain = at += tag->size();
  }
  if (plain < text.size()) all += quoted(text.substr(plain));
  return all;
}

std::string GrammarText::json(Json schema, const Json& root) {
  for (const char* key : {"$defs", "definitions"}) {
    if (schema.is_object() && root.is_object() && root.contains(key)) schema[key] = root[key];
  }
  return add_part(CallGrammar::Part::Kind::schema,
                  schema.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string GrammarText::text_before(std::string_view end) {
  const std::vector<std::string> all = characters(end);
  const std::string& first = all.front();
  if (all.size() == 1) return fmt::format("[^{}]*", first);
  // Behind the first character: what leads away from `end`, and beginnings of its rest.
  std::string away = fmt::format("[^{}{}]", first, all.back());
  std::string begun;
  for (size_t i = all.size() - 2; i > 0; --i) {
    away = fmt::format("( [^{}{}] | \"{}\" {} )", first, all[i], all[i], away);
    begun = fmt::format("( \"{}\" {} )?", all[i], begun);
  }
  const std::string other = fmt::format("[^{}]*", first);
  return add(fmt::format("{0} ( \"{1}\" ( {2} \"{1}\" )* {3} {0} )*", other, first, begun, away));
}

std::string GrammarText::add(std::string expression) {
  rules_.push_back(std::move(expression));
  return fmt::format("r{}", rules_.size() - 1);
}

CallGrammar GrammarText::finish(const std::string& root) && {
  CallGrammar grammar;
  grammar.text = fmt::format("root ::= {}\nws ::= [ \\n]{{0,2}}\nnl ::= [\\n]?\n", root);
  for (size_t i = 0; i < rules_.size(); ++i)
    grammar.text += fmt::format("r{} ::= {}\n", i, rules_[i]);
  grammar.parts = std::move(parts_);
  return grammar;
}

}  // namespace hearth::modelfile::reply

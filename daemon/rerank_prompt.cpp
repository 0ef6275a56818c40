#include "daemon/rerank_prompt.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace hearth::daemon {
namespace {

engine::PromptPart part(std::string_view text, bool is_trusted) {
  engine::PromptPart result;
  result.text = std::string(text);
  result.is_trusted = is_trusted;
  return result;
}

std::vector<engine::PromptPart> fill_in(std::string_view pattern, std::string_view query,
                                        std::string_view document) {
  const std::pair<std::string_view, std::string_view> places[] = {{"{query}", query},
                                                                  {"{document}", document}};
  std::vector<engine::PromptPart> parts;
  while (!pattern.empty()) {
    size_t at = std::string_view::npos;
    std::pair<std::string_view, std::string_view> next;
    for (const auto& place : places) {
      const size_t found = pattern.find(place.first);
      if (found < at) {
        at = found;
        next = place;
      }
    }
    parts.push_back(part(pattern.substr(0, at), true));
    if (at == std::string_view::npos) break;
    parts.push_back(part(next.second, false));
    pattern.remove_prefix(at + next.first.size());
  }
  std::erase_if(parts, [](const engine::PromptPart& each) { return each.text.empty(); });
  return parts;
}

}  // namespace

std::vector<engine::PromptPart> rerank_prompt(const engine::ModelInfo& info, std::string_view query,
                                              std::string_view document) {
  for (const auto& [name, text] : info.named_chat_templates) {
    if (name == "rerank") return fill_in(text, query, document);
  }
  const bool is_word_pieces = info.tokenizer_model == "bert";
  const std::string between = is_word_pieces ? info.eos_token : info.eos_token + info.eos_token;
  std::vector<engine::PromptPart> parts{part(query, false)};
  parts.push_back(part(between.empty() ? "\n" : between, true));
  parts.push_back(part(document, false));
  return parts;
}

float rerank_score(std::span<const float> values) {
  if (values.empty()) return 0;
  if (values.size() == 1) return 1.0F / (1.0F + std::exp(-values.front()));
  return std::clamp(values.front(), 0.0F, 1.0F);  // shares that add up to 1
}

}  // namespace hearth::daemon

#include "daemon/template_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hearth::daemon {
namespace {

using modelfile::Template;
using modelfile::TemplateLanguage;
using modelfile::TemplateTraits;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

int ability_count(const TemplateTraits& traits) {
  return (traits.has_tools ? 1 : 0) + (traits.has_thinking ? 1 : 0);
}

// The model author's template can more than the stored one, or closes the round of tools that the
// stored one leaves open.
bool can_more(const TemplateTraits& file, const TemplateTraits& stored) {
  const bool only_stored = stored.handles_tool_results && !file.handles_tool_results;
  const bool only_file = file.handles_tool_results && !stored.handles_tool_results;
  if (ability_count(file) > ability_count(stored)) return !only_stored;
  return ability_count(file) == ability_count(stored) && file.has_tools && only_file;
}

// Ollama makes gpt-oss prompts in code and stores a template only for show.
bool is_harmony(const TemplateOffer& offer) {
  const bool is_family = offer.architecture == "gptoss" || offer.architecture == "gpt-oss";
  return is_family && has(*offer.stored, "<|start|>") && has(*offer.stored, "<|end|>");
}

bool takes_file(const TemplateOffer& offer, const Template& stored) {
  if (!offer.in_file || stored.traits().language != TemplateLanguage::go) return false;
  if (offer.has_renderer || is_harmony(offer)) return true;
  if (offer.prefers_stored) return !*offer.prefers_stored;
  // A format recognised by signs does not overrule what somebody wrote.
  return offer.family.empty() && can_more(offer.in_file->traits(), stored.traits());
}

Template parse_stored(const TemplateOffer& offer) {
  try {
    return Template::parse(*offer.stored);
  } catch (const Error& failure) {
    throw Error(ErrorCode::unsupported,
                fmt::format("the TEMPLATE of {} cannot be used: {}", offer.model, failure.what()));
  }
}

std::string file_source(const TemplateOffer& offer) {
  return offer.family.empty() ? "file" : fmt::format("family {}", offer.family);
}

}  // namespace

TemplateChoice choose_template(const TemplateOffer& offer) {
  if (offer.requested) return {Template::parse(*offer.requested), "request"};
  if (offer.stored) {
    Template stored = parse_stored(offer);
    if (!takes_file(offer, stored)) return {std::move(stored), "model"};
  }
  if (offer.in_file) return {*offer.in_file, file_source(offer)};
  if (!offer.file_problem.empty()) {
    throw Error(ErrorCode::unsupported, fmt::format("the chat template of {} cannot be used: {}",
                                                    offer.model, offer.file_problem));
  }
  return {std::nullopt, "none"};
}

std::vector<std::string> model_capabilities(const engine::ModelInfo& info,
                                            const registry::ModelConfig& config, bool has_projector,
                                            const TemplateTraits& traits) {
  std::vector<std::string> all = config.capabilities;
  const auto add = [&all](bool is_there, const char* name) {
    if (is_there && std::find(all.begin(), all.end(), name) == all.end()) all.emplace_back(name);
  };
  add(info.is_embedding, "embedding");
  add(!info.is_embedding, "completion");
  add(info.has_vision || has_projector, "vision");
  add(info.has_audio, "audio");
  if (info.is_embedding) return all;
  add(traits.has_tools, "tools");
  add(traits.has_suffix, "insert");
  const bool is_harmony = info.architecture == "gptoss" || info.architecture == "gpt-oss";
  add(traits.has_thinking || is_harmony, "thinking");
  return all;
}

}  // namespace hearth::daemon

// What a reranker reads: a question and a document in one input, as it was trained. Pure.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/generation.h"
#include "engine/model_info.h"

namespace hearth::daemon {

// By the file's template of that name ("{query}" and "{document}" stand in it), else with the end
// token between both: once in vocabularies of word pieces, twice in the others, as their makers do.
// Neither text can become a control token.
std::vector<engine::PromptPart> rerank_prompt(const engine::ModelInfo& info, std::string_view query,
                                              std::string_view document);

// 0 to 1: of a head with one label its logistic, of several ("yes", "no") the share of the first.
float rerank_score(std::span<const float> values);

}  // namespace hearth::daemon

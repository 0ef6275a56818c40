// An engine with a vocabulary and no weights: it tokenizes at once, answers nothing, and takes
// little memory.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace hearth::engine {

// Throws as make_tokenizer.
std::unique_ptr<Engine> open_vocabulary_engine(const GgufFile& file, Engine::EventSink sink);

}  // namespace hearth::engine

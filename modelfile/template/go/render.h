// A whole chat through a Go template, the way Ollama does it: once for templates that know
// messages, once per exchange for the older ones, cut where the answer begins.
#pragma once

#include <chrono>

#include "modelfile/template.h"
#include "modelfile/template/go/ast.h"

namespace hearth::modelfile::go {

// `context` as Template::render_json takes it. Throws Error{invalid_argument} with line and reason.
MarkedText render(const Program& program, const Json& context, const RenderLimits& limits,
                  std::chrono::system_clock::time_point now);

}  // namespace hearth::modelfile::go

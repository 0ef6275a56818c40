#include "engine/constraint/json_schema.h"

#include "engine/constraint/schema_compiler.h"
#include "engine/constraint/schema_document.h"

namespace hearth::engine {

Rules parse_json_schema(std::string_view text, bool is_best_effort,
                        std::vector<std::string>& warnings) {
  Rules rules;
  SchemaDocument document(text, is_best_effort, warnings);
  SchemaCompiler(rules, document).compile_root();
  return rules;
}

}  // namespace hearth::engine

// `hearth debug render`: a template on given data, without a daemon or a model.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "modelfile/template.h"

namespace hearth::cli {

int debug_render(const std::string& template_file, const std::string& context_file) {
  const auto context = modelfile::Json::parse(read_file(context_file), nullptr, false);
  if (!context.is_object())
    throw Error(ErrorCode::invalid_argument, context_file + ": expected one JSON object");
  print(modelfile::render_for_debug(read_file(template_file), context));
  return 0;
}

}  // namespace hearth::cli

// See summary_text.h.
#include "daemon/summary_text.h"

#include "api/json.h"

namespace hearth::daemon {

std::string summary_text(const api::ModelSummary& summary) {
  const api::ModelDetails& details = summary.details;
  return api::to_line(api::Json::array({
      details.parent_model,
      details.format,
      details.family,
      details.families,
      details.parameter_size,
      details.quantization_level,
      details.context_length,
      details.embedding_length,
      summary.capabilities,
  }));
}

bool read_summary_text(std::string_view text, api::ModelSummary& summary) {
  try {
    const api::Json values = api::Json::parse(text);
    api::ModelDetails details;
    details.parent_model = values.at(0).get<std::string>();
    details.format = values.at(1).get<std::string>();
    details.family = values.at(2).get<std::string>();
    details.families = values.at(3).get<std::vector<std::string>>();
    details.parameter_size = values.at(4).get<std::string>();
    details.quantization_level = values.at(5).get<std::string>();
    details.context_length = values.at(6).get<int64_t>();
    details.embedding_length = values.at(7).get<int64_t>();
    summary.capabilities = values.at(8).get<std::vector<std::string>>();
    summary.details = std::move(details);
    return true;
  } catch (const api::Json::exception&) {  // somebody else's text: it is worked out again
    return false;
  }
}

}  // namespace hearth::daemon

// GET /v1/models and /v1/models/{model}.
#include <chrono>

#include "api/json.h"
#include "api/openai.h"

namespace hearth::api {
namespace {

Json to_json(const ModelSummary& model) {
  Json value;
  value["id"] = model.name;
  value["object"] = "model";
  value["created"] =
      std::chrono::duration_cast<std::chrono::seconds>(model.modified_at.time_since_epoch())
          .count();
  value["owned_by"] = model.owner;
  return value;
}

}  // namespace

std::string write_openai_models(const std::vector<ModelSummary>& models) {
  Json data = Json::array();
  for (const ModelSummary& model : models) data.push_back(to_json(model));
  Json value;
  value["object"] = "list";
  value["data"] = std::move(data);
  return to_line(value);
}

std::string write_openai_model(const ModelSummary& model) {
  return to_line(to_json(model));
}

}  // namespace hearth::api

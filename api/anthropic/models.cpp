// GET /v1/models and /v1/models/{model} for clients that send `anthropic-version`.
#include "api/anthropic.h"
#include "api/json.h"

namespace hearth::api {
namespace {

Json to_json(const ModelSummary& model) {
  Json value;
  value["type"] = "model";
  value["id"] = model.name;
  value["display_name"] = model.name;
  value["created_at"] = rfc3339_utc(model.modified_at);
  return value;
}

}  // namespace

std::string write_anthropic_models(const std::vector<ModelSummary>& models) {
  Json data = Json::array();
  for (const ModelSummary& model : models) data.push_back(to_json(model));
  Json value;
  value["first_id"] = data.empty() ? Json(nullptr) : data.front()["id"];
  value["last_id"] = data.empty() ? Json(nullptr) : data.back()["id"];
  value["has_more"] = false;
  value["data"] = std::move(data);
  return to_line(value);
}

std::string write_anthropic_model(const ModelSummary& model) {
  return to_line(to_json(model));
}

}  // namespace hearth::api

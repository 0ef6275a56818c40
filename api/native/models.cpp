// /api/version, tags, ps, show, copy, delete: what is known about models.
#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "base/error.h"
#include "base/version.h"

namespace hearth::api {
namespace {

Json write_details(const ModelDetails& details) {
  Json value;
  value["parent_model"] = details.parent_model;
  value["format"] = details.format;
  value["family"] = details.family;
  value["families"] = details.families.empty() ? Json(nullptr) : Json(details.families);
  value["parameter_size"] = details.parameter_size;
  value["quantization_level"] = details.quantization_level;
  if (details.context_length > 0) value["context_length"] = details.context_length;
  if (details.embedding_length > 0) value["embedding_length"] = details.embedding_length;
  return value;
}

void add_text(Json& value, const char* key, const std::string& text) {
  if (!text.empty()) value[key] = text;
}

}  // namespace

ShowRequest read_native_show(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  ShowRequest request;
  request.model = read_model_name(fields);
  request.is_verbose = fields.boolean("verbose").value_or(false);
  request.system = fields.text("system").value_or("");
  if (const Json* options = fields.object("options")) {
    modelfile::ParsedParameters parsed = modelfile::parse_options(*options);
    request.options = std::move(parsed.values);
    request.warnings = std::move(parsed.warnings);
  }
  note_unread(fields, request.warnings);
  return request;
}

CopyRequest read_native_copy(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  CopyRequest request;
  request.source = fields.text("source").value_or("");
  request.destination = fields.text("destination").value_or("");
  note_unread(fields, request.warnings);
  return request;
}

DeleteRequest read_native_delete(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  DeleteRequest request;
  request.model = read_model_name(fields);
  note_unread(fields, request.warnings);
  return request;
}

std::string write_native_version() {
  Json value;
  value["version"] = api_version;
  value["hearth"] = version();
  return to_line(value);
}

std::string write_native_status() {
  return to_line(Json{{"cloud", {{"disabled", true}, {"source", "config"}}}});
}

std::string write_native_tags(const std::vector<ModelSummary>& models) {
  Json list = Json::array();
  for (const ModelSummary& model : models) {
    Json entry;
    entry["name"] = model.name;
    entry["model"] = model.name;
    entry["modified_at"] = rfc3339_local(model.modified_at);
    entry["size"] = model.size_bytes;
    entry["digest"] = model.digest_hex;
    entry["details"] = write_details(model.details);
    if (!model.capabilities.empty()) entry["capabilities"] = model.capabilities;
    if (!model.paths.empty()) entry["paths"] = model.paths;
    list.push_back(std::move(entry));
  }
  Json value;
  value["models"] = std::move(list);
  return to_line(value);
}

std::string write_native_ps(const std::vector<RunningModel>& models) {
  Json list = Json::array();
  for (const RunningModel& model : models) {
    Json entry;
    entry["name"] = model.name;
    entry["model"] = model.name;
    entry["size"] = model.size_bytes;
    entry["digest"] = model.digest_hex;
    entry["details"] = write_details(model.details);
    entry["expires_at"] = rfc3339_local(model.expires_at);
    entry["size_vram"] = model.size_vram_bytes;
    entry["context_length"] = model.context_length;
    entry["running_requests"] = model.running_requests;
    entry["waiting_requests"] = model.waiting_requests;
    entry["cache_used"] = model.cache_used_bytes;
    if (model.load_progress) entry["load_progress"] = *model.load_progress;
    list.push_back(std::move(entry));
  }
  Json value;
  value["models"] = std::move(list);
  return to_line(value);
}

std::string write_native_show(const ModelDescription& model) {
  Json value;
  add_text(value, "license", model.license);
  add_text(value, "modelfile", model.modelfile);
  add_text(value, "parameters", model.parameters);
  add_text(value, "template", model.template_text);
  add_text(value, "template_source", model.template_source);
  add_text(value, "system", model.system);
  value["details"] = write_details(model.details);
  for (const Message& message : model.messages)
    value["messages"].push_back(write_native_message(message));
  value["model_info"] = model.model_info;
  for (const TensorSummary& tensor : model.tensors) {
    Json entry;
    entry["name"] = tensor.name;
    entry["type"] = tensor.type;
    entry["shape"] = tensor.shape;
    value["tensors"].push_back(std::move(entry));
  }
  value["capabilities"] = model.capabilities;
  add_text(value, "requires", model.required_version);
  add_text(value, "rendered_example", model.rendered_example);
  value["modified_at"] = rfc3339_local(model.modified_at);
  return to_line(value);
}

}  // namespace hearth::api

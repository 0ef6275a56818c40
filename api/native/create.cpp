// POST /api/create and progress lines.
#include <fmt/format.h>

#include <algorithm>

#include "api/json.h"
#include "api/native.h"
#include "api/native/common_fields.h"
#include "base/error.h"

namespace hearth::api {
namespace {

std::map<std::string, std::string> read_files(const Fields& fields, const char* name) {
  std::map<std::string, std::string> files;
  const Json* object = fields.object(name);
  if (object == nullptr) return files;
  for (auto item = object->begin(); item != object->end(); ++item) {
    if (!item->is_string()) fields.fail(name, "an object of file name to digest", *item);
    files[item.key()] = item->get<std::string>();
  }
  return files;
}

// One text or a list of them.
std::vector<std::string> read_licenses(const Fields& fields) {
  const Json* value = fields.find("license");
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  return fields.texts("license").value_or(std::vector<std::string>{});
}

// "v1.2.3" or "1.2.3-rc1+build", kept without the v.
std::string read_version(const Fields& fields) {
  std::string text = fields.text("requires").value_or("");
  if (text.starts_with('v')) text.erase(0, 1);
  if (text.empty()) return text;
  const std::string_view core = std::string_view(text).substr(0, text.find_first_of("-+"));
  const bool has_digits_and_dots = core.find_first_not_of("0123456789.") == std::string_view::npos;
  const auto dots = std::count(core.begin(), core.end(), '.');
  const bool has_empty_part =
      core.empty() || core.front() == '.' || core.back() == '.' || core.find("..") != core.npos;
  if (!has_digits_and_dots || dots > 2 || has_empty_part) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("requires: \"{}\" is no version, expected for example 0.14.0", text));
  }
  return text;
}

CreateInfo read_info(const Fields& fields) {
  CreateInfo info;
  const Json* object = fields.object("info");
  if (object == nullptr) return info;
  const Fields inner(*object, "info.");
  info.capabilities = inner.texts("capabilities").value_or(std::vector<std::string>{});
  info.model_family = inner.text("model_family").value_or("");
  info.base_name = inner.text("base_name").value_or("");
  info.quantization_level = inner.text("quantization_level").value_or("");
  info.parameter_size = inner.text("parameter_size").value_or("");
  info.context_length = inner.integer("context_length").value_or(0);
  info.embedding_length = inner.integer("embedding_length").value_or(0);
  return info;
}

}  // namespace

CreateRequest read_native_create(std::string_view body) {
  const Json json = parse_body(body);
  const Fields fields(json);
  CreateRequest request;
  request.model = fields.text("model").value_or("");
  if (request.model.empty()) request.model = fields.text("name").value_or("");
  if (request.model.empty()) throw Error(ErrorCode::invalid_argument, "model: missing");
  const std::string from = fields.text("from").value_or("");
  if (!from.empty()) request.from = from;
  request.files = read_files(fields, "files");
  request.links = read_files(fields, "links");
  request.adapters = read_files(fields, "adapters");
  if (request.adapters.size() > 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("adapters: there are {}, a model can have one", request.adapters.size()));
  }
  if (request.from.has_value() == !(request.files.empty() && request.links.empty())) {
    throw Error(ErrorCode::invalid_argument, "create needs either \"from\" or \"files\"");
  }
  request.template_text = fields.text("template");
  request.system = fields.text("system");
  request.licenses = read_licenses(fields);
  if (const Json* parameters = fields.object("parameters")) {
    modelfile::ParsedParameters parsed = modelfile::parse_options(*parameters);
    request.parameters = std::move(parsed.values);
    request.warnings = std::move(parsed.warnings);
  }
  if (const Json* messages = fields.array("messages")) {
    for (size_t i = 0; i < messages->size(); ++i) {
      request.messages.push_back(
          read_native_message((*messages)[i], fmt::format("messages[{}].", i)));
    }
  }
  request.is_stream = fields.boolean("stream").value_or(true);
  request.is_insecure = fields.boolean("insecure").value_or(false);
  request.draft_files = read_files(fields, "draft_files");
  request.quantize = fields.text("quantize").value_or("");
  if (request.quantize.empty()) request.quantize = fields.text("quantization").value_or("");
  request.draft_quantize = fields.text("draft_quantize").value_or("");
  request.renderer = fields.text("renderer").value_or("");
  request.parser = fields.text("parser").value_or("");
  request.required_version = read_version(fields);
  request.info = read_info(fields);
  refuse_unless_empty(fields, "remote_host",
                      "remote models are not supported; leave the field out");
  note_unread(fields, request.warnings);
  return request;
}

std::string write_native_progress(const ProgressEvent& event) {
  Json value;
  value["status"] = event.status;
  if (!event.digest.empty()) value["digest"] = event.digest;
  if (event.total_bytes > 0) value["total"] = event.total_bytes;
  if (event.completed_bytes > 0) value["completed"] = event.completed_bytes;
  if (!event.models.empty()) value["models"] = event.models;
  if (!event.file.empty()) value["file"] = event.file;
  if (!event.detail.empty()) value["detail"] = event.detail;
  if (event.count) value["count"] = *event.count;
  if (event.wrong) value["wrong"] = *event.wrong;
  if (event.bytes) value["bytes"] = *event.bytes;
  return to_line(value);
}

}  // namespace hearth::api

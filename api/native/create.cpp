// POST /api/create and progress lines.
#include <fmt/format.h>

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

void refuse_later_features(const Fields& fields) {
  constexpr std::string_view quantize =
      "making smaller models is not supported yet; quantize the file with another tool and create "
      "from the result";
  refuse_unless_empty(fields, "quantize", quantize);
  refuse_unless_empty(fields, "quantization", quantize);
  refuse_unless_empty(fields, "draft_files",
                      "draft models are not supported yet; leave the field out");
  refuse_unless_empty(fields, "draft_quantize",
                      "draft models are not supported yet; leave the field out");
  refuse_unless_empty(fields, "renderer",
                      "built-in renderers are not supported; the model's own template is used");
  refuse_unless_empty(fields, "parser",
                      "built-in parsers are not supported yet; leave the field out");
  refuse_unless_empty(fields, "remote_host",
                      "remote models are not supported; leave the field out");
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
  request.adapters = read_files(fields, "adapters");
  if (request.adapters.size() > 1) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("adapters: there are {}, a model can have one", request.adapters.size()));
  }
  if (request.from.has_value() == !request.files.empty()) {
    throw Error(ErrorCode::invalid_argument, "create needs either \"from\" or \"files\"");
  }
  request.template_text = fields.text("template");
  request.system = fields.text("system");
  request.licenses = read_licenses(fields);
  if (const Json* parameters = fields.object("parameters")) {
    request.parameters = modelfile::parse_options(*parameters).values;
  }
  if (const Json* messages = fields.array("messages")) {
    for (size_t i = 0; i < messages->size(); ++i) {
      request.messages.push_back(
          read_native_message((*messages)[i], fmt::format("messages[{}].", i)));
    }
  }
  request.is_stream = fields.boolean("stream").value_or(true);
  refuse_later_features(fields);
  return request;
}

std::string write_native_progress(const ProgressEvent& event) {
  Json value;
  value["status"] = event.status;
  if (!event.digest.empty()) value["digest"] = event.digest;
  if (event.total_bytes > 0) value["total"] = event.total_bytes;
  if (event.completed_bytes > 0) value["completed"] = event.completed_bytes;
  return to_line(value);
}

}  // namespace hearth::api

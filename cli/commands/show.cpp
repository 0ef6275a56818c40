// `hearth show`: what a model is, as sections of two columns, or one of its texts.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/terminal.h"

namespace hearth::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_section(std::string& text, const std::string& title, const Rows& rows) {
  if (rows.empty()) return;
  text += "  " + title + "\n";
  std::istringstream lines(table(rows));
  for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
  text += "\n";
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Rows model_rows(const Json& shown) {
  const Json details = shown.value("details", Json::object());
  const Json info = shown.value("model_info", Json::object());
  const std::string architecture = info.value("general.architecture", details.value("family", ""));
  Rows rows;
  const auto add = [&rows](const std::string& label, const Json& value) {
    if (!value.is_null() && plain(value) != "") rows.push_back({label, plain(value)});
  };
  add("architecture", architecture);
  add("parameters", details.value("parameter_size", ""));
  add("context length", info.value(architecture + ".context_length", Json()));
  add("embedding length", info.value(architecture + ".embedding_length", Json()));
  add("quantization", details.value("quantization_level", ""));
  add("requires", shown.value("requires", ""));
  return rows;
}

Rows parameter_rows(const std::string& text) {
  Rows rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto gap = line.find(' ');
    if (gap == std::string::npos) continue;
    rows.push_back({line.substr(0, gap), line.substr(line.find_first_not_of(' ', gap))});
  }
  return rows;
}

// The first two lines that hold something.
Rows first_lines(const std::string& text) {
  Rows rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    if (rows.size() == 2) {
      rows.push_back({"..."});
      break;
    }
    rows.push_back({line});
  }
  return rows;
}

Rows metadata_rows(const Json& info) {
  Rows rows;
  for (const auto& [key, value] : info.items()) {
    std::string text = plain(value);
    if (value.is_array() && value.size() > 3) {
      text = fmt::format("[{}, {}, {}, ...+{} more]", value[0].dump(), value[1].dump(),
                         value[2].dump(), value.size() - 3);
    }
    rows.push_back({key, text});
  }
  return rows;
}

Rows tensor_rows(const Json& tensors) {
  Rows rows;
  for (const Json& tensor : tensors)
    rows.push_back({tensor.value("name", ""), tensor.value("type", ""),
                    tensor.value("shape", Json::array()).dump()});
  return rows;
}

}  // namespace

std::string describe_model(const Json& shown, bool is_verbose) {
  std::string text;
  add_section(text, "Model", model_rows(shown));
  Rows capabilities;
  for (const Json& capability : shown.value("capabilities", Json::array()))
    capabilities.push_back({plain(capability)});
  add_section(text, "Capabilities", capabilities);
  add_section(text, "Parameters", parameter_rows(shown.value("parameters", "")));
  if (is_verbose) {
    add_section(text, "Metadata", metadata_rows(shown.value("model_info", Json::object())));
    add_section(text, "Tensors", tensor_rows(shown.value("tensors", Json::array())));
  }
  add_section(text, "System", first_lines(shown.value("system", "")));
  add_section(text, "License", first_lines(shown.value("license", "")));
  return text;
}

int show(const Client& client, const ShowOptions& options) {
  const Json shown =
      client.post("/api/show", {{"model", options.model}, {"verbose", options.is_verbose}});
  if (options.section.empty()) {
    print(describe_model(shown, options.is_verbose));
  } else {
    print(shown.value(options.section, "") + "\n");
  }
  return 0;
}

}  // namespace hearth::cli

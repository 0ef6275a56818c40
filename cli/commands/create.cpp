// `hearth create MODEL -f Modelfile`: files are hashed and uploaded as blobs, then the daemon makes
// the model.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "modelfile/modelfile.h"
#include "modelfile/parameters.h"

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using modelfile::CommandKind;

struct Source {
  modelfile::Modelfile modelfile;
  fs::path folder;  // what relative paths in it mean
};

Source read_modelfile(const std::string& place) {
  if (place == "-") {
    return {modelfile::parse_modelfile(std::string(std::istreambuf_iterator<char>(std::cin), {})),
            fs::current_path()};
  }
  if (!fs::exists(place)) {
    throw Error(
        ErrorCode::not_found,
        fmt::format(
            "there is no file {}: write a Modelfile with the line `FROM ./model.gguf`, or name "
            "one with -f",
            place));
  }
  const auto size_max = size_t{16} << 20;
  try {
    return {modelfile::parse_modelfile(read_file(place, size_max)),
            fs::absolute(place).parent_path()};
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", place, error.what()));
  }
}

// The shards of a split model when `file` is its first one, else the file itself.
std::vector<fs::path> with_shards(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::string_view first = "-00001-of-";
  const auto mark = name.find(first);
  if (mark == std::string::npos || name.size() < mark + first.size() + 5) return {file};
  const std::string count = name.substr(mark + first.size(), 5);
  if (count.find_first_not_of("0123456789") != std::string::npos) return {file};
  std::vector<fs::path> files;
  for (int i = 1; i <= std::stoi(count); ++i) {
    files.push_back(file.parent_path() /
                    fmt::format("{}-{:05d}{}", name.substr(0, mark), i, name.substr(mark + 6)));
    if (!fs::exists(files.back())) {
      throw Error(ErrorCode::not_found, fmt::format("{} is split into {} files, but {} is missing",
                                                    name, std::stoi(count), files.back().string()));
    }
  }
  return files;
}

// sha256:<hex> of a file, with a bar.
std::string hash_file(const fs::path& file, Progress& progress) {
  Sha256 digest;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error(ErrorCode::not_found, fmt::format("cannot read {}", file.string()));
  const auto total = static_cast<int64_t>(fs::file_size(file));
  std::vector<char> buffer(size_t{1} << 20);
  for (int64_t done = 0; stream;) {
    stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update(std::as_bytes(std::span(buffer.data(), static_cast<size_t>(stream.gcount()))));
    done += stream.gcount();
    progress.bar("hashing " + file.filename().string(), done, total);
  }
  return "sha256:" + digest.finish_hex();
}

void upload(const Client& client, const fs::path& file, Json& files, Progress& progress) {
  const std::string digest = hash_file(file, progress);
  const auto total = static_cast<int64_t>(fs::file_size(file));
  const std::string title = "copying " + file.filename().string();
  client.upload_blob(file, digest, [&](int64_t sent) { progress.bar(title, sent, total); });
  files[file.filename().string()] = digest;
}

// FROM or ADAPTER: a file that exists is uploaded, anything else is the name of a model.
void add_source(const Client& client, const Source& source, const modelfile::Command& command,
                Json& body, Progress& progress) {
  const bool is_adapter = command.kind == CommandKind::adapter;
  const fs::path file = source.folder / fs::path(command.value);
  if (fs::is_regular_file(file)) {
    for (const auto& shard : with_shards(file))
      upload(client, shard, body[is_adapter ? "adapters" : "files"], progress);
    return;
  }
  const bool looks_like_path = is_adapter || command.value.ends_with(".gguf") ||
                               command.value.starts_with(".") || command.value.starts_with("/");
  if (looks_like_path) {
    throw Error(ErrorCode::not_found, fmt::format("line {}: there is no file {}", command.line,
                                                  file.lexically_normal().string()));
  }
  body["from"] = command.value;
}

Json request_from(const Client& client, const Source& source, const CreateOptions& options,
                  Progress& progress) {
  Json body = {{"model", options.model}};
  if (!options.quantize.empty()) body["quantize"] = options.quantize;
  modelfile::Parameters parameters;
  for (const auto& command : source.modelfile.commands) {
    switch (command.kind) {
      case CommandKind::from:
      case CommandKind::adapter:
        add_source(client, source, command, body, progress);
        break;
      case CommandKind::template_text:
        body["template"] = command.value;
        break;
      case CommandKind::system:
        body["system"] = command.value;
        break;
      case CommandKind::license:
        body["license"].push_back(command.value);
        break;
      case CommandKind::renderer:
        body["renderer"] = command.value;
        break;
      case CommandKind::parser:
        body["parser"] = command.value;
        break;
      case CommandKind::requires_version:
        body["requires"] = command.value;
        break;
      case CommandKind::parameter:
        modelfile::set_parameter(parameters, command.key, command.value);
        break;
      case CommandKind::message:
        body["messages"].push_back({{"role", command.key}, {"content", command.value}});
        break;
      case CommandKind::draft:
        throw Error(
            ErrorCode::unsupported,
            fmt::format("line {}: DRAFT is not supported yet: take the line out", command.line));
    }
  }
  if (Json values = modelfile::to_json(parameters); !values.empty())
    body["parameters"] = std::move(values);
  return body;
}

}  // namespace

int create(const Client& client, const CreateOptions& options) {
  const Source source = read_modelfile(options.modelfile);
  Progress progress;
  const Json body = request_from(client, source, options, progress);
  InterruptGuard guard;
  std::string last;
  const bool is_whole = client.stream(
      "/api/create", body,
      [&](const Json& event) {
        last = event.value("status", "");
        const int64_t total = event.value("total", int64_t{0});
        if (total > 0) {
          progress.bar(last, event.value("completed", int64_t{0}), total);
        } else {
          progress.message(last);
        }
      },
      InterruptGuard::flag());
  progress.finish();
  if (!is_whole) throw Error(ErrorCode::cancelled, "stopped; nothing was created");
  if (last != "success")
    throw Error(ErrorCode::internal,
                fmt::format("the daemon stopped in the middle, after \"{}\"", last));
  note(fmt::format("created '{}'; talk to it with: hearth run {}", options.model, options.model));
  return 0;
}

}  // namespace hearth::cli

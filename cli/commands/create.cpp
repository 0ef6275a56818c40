// `hearth create MODEL -f Modelfile`: files are hashed and uploaded as blobs, then the daemon makes
// the model.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/config.h"
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
  fs::path folder;   // what relative paths in it mean
  std::string name;  // as errors give it
};

bool has_gguf(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const auto& entry) { return entry.path().extension() == ".gguf"; });
}

// `is_default`: nobody named the file, so a folder with a model in it will do.
Source read_modelfile(const std::string& place, bool is_default) {
  const bool is_stdin = place == "-";
  if (!is_stdin && !fs::exists(place)) {
    if (is_default && has_gguf(fs::current_path()))
      return {modelfile::parse_modelfile("FROM ."), fs::current_path(), place};
    throw Error(ErrorCode::not_found,
                fmt::format("there is no file {}{}", place,
                            is_default ? ": write one with the line `FROM ./model.gguf`, or name "
                                         "another one with -f"
                                       : ""));
  }
  const std::string name = is_stdin ? "standard input" : place;
  const auto size_max = size_t{16} << 20;
  try {
    if (is_stdin) {
      const std::string text(std::istreambuf_iterator<char>(std::cin), {});
      return {modelfile::parse_modelfile(text), fs::current_path(), name};
    }
    return {modelfile::parse_modelfile(read_file(place, size_max)),
            fs::absolute(place).parent_path(), name};
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", name, error.what()));
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

// Said before gigabytes are read; the daemon looks closer.
void check_magic(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return;  // whoever reads it says so
  std::string magic(4, ' ');
  stream.read(magic.data(), static_cast<std::streamsize>(magic.size()));
  if (magic == "GGUF") return;
  throw Error(ErrorCode::invalid_argument, fmt::format("{} is not a GGUF file: convert it first",
                                                       file.lexically_normal().string()));
}

void upload(const Client& client, const fs::path& file, Json& files, Progress& progress) {
  const std::string digest = hash_file(file, progress);
  const auto total = static_cast<int64_t>(fs::file_size(file));
  const std::string title = "copying " + file.filename().string();
  client.upload_blob(file, digest, [&](int64_t sent) { progress.bar(title, sent, total); });
  files[file.filename().string()] = digest;
}

// What a path in a Modelfile means: below its folder, or below somebody's home.
fs::path resolve(const fs::path& folder, const std::string& text) {
  if (!text.starts_with('~')) return folder / fs::path(text);
  const size_t slash = std::min(text.find('/'), text.size());
  const fs::path rest = text.substr(std::min(slash + 1, text.size()));
  const std::string user = text.substr(1, slash - 1);
  const auto variables = environment_variables();
  const auto home = variables.find("HOME");
  if (user.empty() && home != variables.end()) return fs::path(home->second) / rest;
  const passwd* entry = user.empty() ? ::getpwuid(::getuid()) : ::getpwnam(user.c_str());
  if (entry == nullptr)
    throw Error(ErrorCode::not_found, fmt::format("{}: there is no user {}", text, user));
  return fs::path(entry->pw_dir) / rest;
}

bool is_within(const fs::path& file, const fs::path& folder) {
  const fs::path relative = file.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// A link may not lead out of its folder, but a snapshot of the Hugging Face cache is made of links
// to the files beside it.
void check_link(const fs::path& file, const fs::path& folder) {
  const fs::path real = fs::canonical(file);
  const fs::path home = fs::canonical(folder);
  const bool is_snapshot = home.parent_path().filename() == "snapshots";
  if (is_within(real, home)) return;
  if (is_snapshot && is_within(real, home.parent_path().parent_path() / "blobs")) return;
  throw Error(ErrorCode::forbidden, fmt::format("{} leads out of {}: name the file itself",
                                                file.string(), folder.string()));
}

// The model files of a folder.
std::vector<fs::path> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  bool has_safetensors = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    has_safetensors = has_safetensors || entry.path().extension() == ".safetensors";
    if (entry.path().extension() == ".gguf" && entry.is_regular_file())
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    throw Error(has_safetensors ? ErrorCode::unsupported : ErrorCode::not_found,
                fmt::format("{}: {}", folder.string(),
                            has_safetensors ? "only GGUF files are supported yet; convert the "
                                              "model first"
                                            : "there is no .gguf file in this folder"));
  }
  for (const fs::path& file : files) check_link(file, folder);
  return files;
}

std::string_view field_of(CommandKind kind) {
  if (kind == CommandKind::adapter) return "adapters";
  return kind == CommandKind::draft ? "draft_files" : "files";
}

// FROM, ADAPTER or DRAFT: a file or a folder is uploaded, anything else is the name of a model.
void add_source(const Client& client, const Source& source, const modelfile::Command& command,
                bool is_linked, Json& body, Progress& progress) {
  const std::string field(field_of(command.kind));
  const fs::path file = resolve(source.folder, command.value);
  const bool is_folder = fs::is_directory(file);
  if (is_folder || fs::is_regular_file(file)) {
    if (command.kind != CommandKind::from) body.erase(field);  // the last one holds
    const bool is_link = is_linked && command.kind == CommandKind::from;
    for (const auto& part : is_folder ? files_of_folder(file) : with_shards(file)) {
      check_magic(part);
      if (is_link) {
        body["links"][part.filename().string()] = fs::canonical(part).string();
      } else {
        upload(client, part, body[field], progress);
      }
    }
    return;
  }
  const bool looks_like_path = command.kind != CommandKind::from ||
                               command.value.ends_with(".gguf") ||
                               command.value.find_first_of("./~") == 0;
  if (looks_like_path) {
    throw Error(ErrorCode::not_found, fmt::format("{}: (line {}): there is no file {}", source.name,
                                                  command.line, file.lexically_normal().string()));
  }
  body["from"] = command.value;
}

void set_parameter(modelfile::Parameters& parameters, const Source& source,
                   const modelfile::Command& command) {
  const std::string place = fmt::format("{}: (line {})", source.name, command.line);
  try {
    if (modelfile::set_parameter(parameters, command.key, command.value)) {
      const std::string_view why = modelfile::missing_effect(parameters, command.key);
      if (!why.empty()) note(fmt::format("{}: PARAMETER {} has {}", place, command.key, why));
      return;
    }
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", place, error.what()));
  }
  note(fmt::format("{}: PARAMETER {} does nothing any more and is left out", place, command.key));
}

Json request_from(const Client& client, const Source& source, const CreateOptions& options,
                  Progress& progress) {
  Json body = {{"model", options.model}};
  if (!options.quantize.empty()) body["quantize"] = options.quantize;
  if (!options.draft_quantize.empty()) body["draft_quantize"] = options.draft_quantize;
  modelfile::Parameters parameters;
  for (const auto& command : source.modelfile.commands) {
    switch (command.kind) {
      case CommandKind::from:
      case CommandKind::adapter:
      case CommandKind::draft:
        add_source(client, source, command, options.is_linked, body, progress);
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
        set_parameter(parameters, source, command);
        break;
      case CommandKind::message:
        body["messages"].push_back({{"role", command.key}, {"content", command.value}});
        break;
    }
  }
  if (Json values = modelfile::to_json(parameters); !values.empty())
    body["parameters"] = std::move(values);
  return body;
}

}  // namespace

int create(const Client& client, const CreateOptions& options) {
  const Source source = read_modelfile(options.modelfile, options.modelfile == "Modelfile");
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

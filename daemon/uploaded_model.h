// Files that a client uploaded as blobs and names in a create request: checked, put together where
// they are parts of one model, and told apart by what their headers say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model_info.h"
#include "registry/blob_store.h"
#include "registry/manifest.h"

namespace hearth::daemon {

struct UploadedFile {
  std::string name;
  registry::BlobDigest digest;
  uint64_t size_bytes = 0;
};

enum class UploadedKind { model, projector, adapter };

// One GGUF file, or all parts of a split one in order.
struct UploadedModel {
  UploadedKind kind = UploadedKind::model;
  std::vector<UploadedFile> parts;
  engine::ModelInfo info;
};

// `named` is file name to digest as the request has them, `field` the request's name for the list.
// Throws Error{invalid_argument}: a path that is not clean and relative, a wrong digest, a blob
// that is not in the store, parts that are missing, a file that is no GGUF; Error{unsupported} for
// weights in other formats.
std::vector<UploadedModel> read_uploads(const registry::BlobStore& blobs,
                                        const std::map<std::string, std::string>& named,
                                        std::string_view field);

UploadedKind kind_of(const engine::ModelInfo& info);
// What the config of a new model says of its weights.
void describe_weights(registry::ModelConfig& config, const engine::ModelInfo& info);

// Header of a model that lies in these blobs, parts in order.
engine::ModelInfo read_blob_info(const registry::BlobStore& blobs,
                                 const std::vector<registry::BlobDigest>& parts,
                                 std::string_view name);

}  // namespace hearth::daemon

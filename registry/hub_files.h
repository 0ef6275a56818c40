// Which files of a Hugging Face repository make up a model: variants of quantisation, their parts,
// projectors, and the choice among them. Pure; the requests are in hugging_face.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/blob_digest.h"

namespace hearth::registry {

struct HubFile {
  std::string path;  // "Q8_0/model-Q8_0-00001-of-00002.gguf"
  uint64_t size_bytes = 0;
  std::optional<BlobDigest> digest;  // of large files; small ones have none in the list
};

// One page of a repository's list of files, JSON. Throws Error{corrupt_data} with `what`.
std::vector<HubFile> parse_hub_files(std::string_view json, std::string_view what);

// One model in one quantisation.
struct HubVariant {
  std::string label;           // "Q4_K_M"; the name of its file where that says nothing
  std::vector<HubFile> parts;  // in order

  uint64_t size_bytes() const;
};

// The quantisation that a file's name, or else its folder's, ends with: "UD-Q4_K_XL", "F16". Empty:
// it says none.
std::string quant_label(std::string_view path);

// The models among `files`, smallest first, each label once. What has no digest or lacks parts is
// left out, and so are files that are no models (projectors, importance matrices).
std::vector<HubVariant> hub_variants(const std::vector<HubFile>& files);

// The variant that a tag means: a label, a file's name, or what either ends with; case does not
// matter. Throws Error{not_found} with the labels there are.
HubVariant tagged_variant(const std::vector<HubVariant>& variants, std::string_view tag);

// The best that leaves half of the memory for contexts and other programs; where none does, the
// best that fits at all. F16 and larger, and the formats that others have replaced, only where
// there is nothing else. `reason` is for people: "Q6_K, 6.6 GB: the largest of 9 ...".
struct HubChoice {
  HubVariant variant;
  std::string reason;
};
// `memory_bytes` is what models may take here; 0: nobody knows, then Q4_K_M or what is next to it.
// Throws Error{not_found} without variants, {out_of_memory} when none fits.
HubChoice best_variant(const std::vector<HubVariant>& variants, uint64_t memory_bytes);

// The file that turns pictures into what the model understands; absent when there is none.
std::optional<HubFile> hub_projector(const std::vector<HubFile>& files);

}  // namespace hearth::registry

// Models written again in other types: which tensor gets which, against the files of the reference,
// and that what is written can be read and says what it should.
#include "engine/quantize.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/reader.h"
#include "engine/gguf/writer.h"
#include "engine/quantize/mixtures.h"
#include "engine/quantize/plan.h"
#include "engine/tensor/codec.h"
#include "tests/support/gguf_files.h"
#include "tests/support/shared.h"

using namespace hearth::engine;
using hearth::Error;
using hearth::ErrorCode;
using hearth::UniqueFd;
using hearth::testing::open_gguf;
using hearth::testing::shared_path;

namespace {

GgufFile quantized(const GgufFile& file, std::string_view mixture, int32_t threads = 2) {
  const UniqueFd out(::memfd_create("hearth_quantized", MFD_CLOEXEC));
  const Mixture* row = find_mixture(mixture);
  REQUIRE(row != nullptr);
  quantize_model(file, row, threads, out.get());
  const int fds[] = {out.get()};
  return GgufFile::from_fds(fds, "quantized");
}

std::map<std::string, int> histogram(std::span<const DType> types) {
  std::map<std::string, int> counts;
  for (const DType type : types) {
    std::string name(info(type).name);
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    ++counts[name];
  }
  return counts;
}

std::vector<float> values_of(const TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.value_count()));
  decode(tensor.type, tensor.data, values);
  return values;
}

// Root mean square of the difference, as a share of that of the values.
double relative_error(const TensorInfo& original, const TensorInfo& copy) {
  const std::vector<float> a = values_of(original);
  const std::vector<float> b = values_of(copy);
  double difference = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  return size > 0 ? std::sqrt(difference / size) : 0;
}

// The same types as a file of the reference, and errors that are no larger than its. Only the
// smallest model is converted: with sanitizers the others take seconds each.
void compare_with(const std::filesystem::path& made, const GgufFile& source,
                  const std::string& label) {
  const GgufFile theirs = GgufFile::open(made);
  const bool is_small = source.file_size_bytes() < 4'000'000;
  const std::vector<DType> types = plan_types(source, find_mixture(label));
  for (size_t i = 0; i < types.size(); ++i) {
    const TensorInfo& tensor = source.tensors()[i];
    REQUIRE(theirs.find_tensor(tensor.name) != nullptr);
    CHECK(theirs.find_tensor(tensor.name)->type == types[i]);
  }
  if (!is_small) return;
  const GgufFile ours = quantized(source, label);
  CHECK(ours.metadata().require_int("general.file_type") == find_mixture(label)->file_type);
  for (const TensorInfo& tensor : source.tensors()) {
    const double error = relative_error(tensor, *theirs.find_tensor(tensor.name));
    CHECK(relative_error(tensor, *ours.find_tensor(tensor.name)) <= error * 1.02);
  }
}

// A model of two layers whose matrices have rows of 256, with `type` as the type of one of them.
std::string small_model(DType type = DType::f32, float poison = 0.5f) {
  GgufWriter writer;
  writer.add("general.architecture", "llama");
  writer.add("general.file_type", uint32_t{0});
  writer.add("llama.block_count", uint32_t{2});
  writer.add("split.count", uint16_t{1});
  writer.add("llama.split.no", uint16_t{0});
  std::vector<float> values(256 * 3);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  values[5] = poison;
  const int64_t matrix[] = {256, 3};
  const int64_t row[] = {256};
  std::vector<std::byte> blocks(static_cast<size_t>(row_bytes(type, 256 * 3)));
  if (type != DType::f32) encode(type, values, blocks);
  const auto plain = std::as_bytes(std::span(values));
  writer.add_tensor("token_embd.weight", DType::f32, matrix, plain);
  writer.add_tensor("blk.0.attn_norm.weight", DType::f32, row, plain.first(1024));
  writer.add_tensor("blk.0.ffn_up.weight", type, matrix,
                    type == DType::f32 ? plain : std::span<const std::byte>(blocks));
  writer.add_tensor("v.blk.0.ffn_up.weight", DType::f32, matrix, plain);
  return writer.file_bytes();
}

}  // namespace

TEST_CASE("quantize: the reference's own choice of types, for every file it made") {
  struct Source {
    const char* folder;
    const char* file;
  };
  const Source sources[] = {
      {"data/models/tinystories-656k", "tinystories-656k-f32.gguf"},
      {"data/models/tinystories-instruct-3m-chat",
       "quantised/tinystories-instruct-3m-chat-f16.gguf"},
  };
  int compared = 0;
  for (const Source& source : sources) {
    const auto folder = shared_path(source.folder);
    if (!folder) continue;
    const GgufFile file = GgufFile::open(*folder / source.file);
    const auto reference =
        nlohmann::json::parse(hearth::read_file(*folder / "quantised/reference.json"));
    for (const auto& entry : reference["files"]) {
      const std::string path = entry["file"];
      const std::string label =
          path.substr(path.rfind('-') + 1, path.rfind('.') - path.rfind('-') - 1);
      // Those beside the folder were made in another way: the originals, and one with a single
      // type.
      if (!path.starts_with("quantised/") || find_mixture(label) == nullptr) continue;
      INFO(path);
      const std::vector<DType> types = plan_types(file, find_mixture(label));
      CHECK(histogram(types) == entry["tensor_types"].get<std::map<std::string, int>>());
      if (std::filesystem::exists(*folder / path)) compare_with(*folder / path, file, label);
      ++compared;
    }
  }
  if (compared == 0) WARN("skipped: shared data is absent");
}

TEST_CASE("quantize: every mixture can be written and read again") {
  const std::string bytes = small_model();
  const GgufFile file = open_gguf(bytes);
  for (const Mixture& mixture : mixtures()) {
    INFO(mixture.name);
    const GgufFile result = quantized(file, mixture.name, 1);
    REQUIRE(result.tensors().size() == 4);
    const TensorInfo& up = *result.find_tensor("blk.0.ffn_up.weight");
    CHECK(up.type == mixture.base);
    CHECK(relative_error(*file.find_tensor(up.name), up) < 0.6);
    CHECK(result.find_tensor("blk.0.attn_norm.weight")->type == DType::f32);
    CHECK(result.find_tensor("v.blk.0.ffn_up.weight")->type == DType::f32);
    CHECK(result.metadata().require_int("general.quantization_version") == 2);
    CHECK(result.metadata().find("split.count") == nullptr);
    CHECK(result.metadata().find("llama.split.no") == nullptr);
  }
}

TEST_CASE("quantize: names") {
  CHECK(find_mixture("q4_k_m")->name == "Q4_K_M");
  CHECK(find_mixture("Q4_K") == find_mixture("q4_K_m"));
  CHECK(find_mixture("q3_k")->name == "Q3_K_M");
  for (const char* wrong : {"", "Q4", "q9_k", "IQ2_XXS"}) CHECK(find_mixture(wrong) == nullptr);
  CHECK(mixture_names().starts_with("F32, F16, BF16, Q8_0"));
}

TEST_CASE("quantize: rules of the mixtures where the files above have no case") {
  struct Case {
    const char* mixture;
    TensorRole role;
    TensorPlace place;  // its role is the one before
    DType type;
  };
  TensorPlace plain;
  plain.architecture = "llama";
  plain.width = 256;
  plain.count = plain.layers = 32;
  plain.heads_per_kv_head = 1;
  const auto with = [&](auto change) {
    TensorPlace place = plain;
    change(place);
    return place;
  };
  const TensorPlace shared = with([](TensorPlace& p) { p.heads_per_kv_head = 4; });
  const TensorPlace eight = with([](TensorPlace& p) { p.experts = 8; });
  const TensorPlace large =
      with([](TensorPlace& p) { p.layers = 80, p.heads_per_kv_head = 8, p.index = 13; });
  const TensorPlace middle = with([](TensorPlace& p) { p.index = 16; });
  const TensorPlace narrow = with([](TensorPlace& p) { p.width = 96; });
  const TensorPlace odd = with([](TensorPlace& p) { p.width = 40; });
  const TensorPlace expert = with([](TensorPlace& p) { p.is_expert = true; });
  const TensorPlace falcon = with([](TensorPlace& p) { p.architecture = "falcon", p.index = 5; });
  const TensorPlace latent =
      with([](TensorPlace& p) { p.architecture = "deepseek2", p.local_name = "attn_k_b.weight"; });
  const Case cases[] = {
      {"Q2_K", TensorRole::attention_v, plain, DType::q3_k},
      {"Q2_K", TensorRole::attention_v, shared, DType::q4_k},
      {"Q2_K_S", TensorRole::ffn_down, plain, DType::q4_k},
      {"Q2_K_S", TensorRole::ffn_down, middle, DType::q2_k},
      {"Q3_K_M", TensorRole::attention_v, plain, DType::q5_k},
      {"Q3_K_M", TensorRole::attention_v, middle, DType::q4_k},
      {"Q3_K_L", TensorRole::attention_qkv, plain, DType::q4_k},
      {"Q3_K_S", TensorRole::attention_v, large, DType::q5_k},
      {"Q4_K_M", TensorRole::attention_v, plain, DType::q6_k},
      {"Q4_K_M", TensorRole::ffn_down, middle, DType::q4_k},
      {"Q4_K_M", TensorRole::attention_v, large, DType::q5_k},
      {"Q4_K_S", TensorRole::attention_v, plain, DType::q5_k},
      {"Q4_K_M", TensorRole::attention_k, eight, DType::q8_0},
      {"Q4_K_M", TensorRole::attention_output, eight, DType::q5_k},
      {"Q4_0", TensorRole::attention_v, eight, DType::q8_0},
      {"Q4_K_M", TensorRole::ffn_down, falcon, DType::q4_k},
      {"Q4_K_M", TensorRole::head, falcon, DType::q8_0},
      {"Q4_K_M", TensorRole::head, plain, DType::q6_k},
      {"Q4_K_M", TensorRole::head, narrow, DType::q8_0},
      {"Q8_0", TensorRole::head, plain, DType::q8_0},
      {"F16", TensorRole::head, plain, DType::f16},
      {"Q4_K_M", TensorRole::other, latent, DType::q8_0},
      {"Q4_0", TensorRole::other, latent, DType::q4_0},
      {"IQ4_XS", TensorRole::other, narrow, DType::iq4_nl},
      {"Q6_K", TensorRole::other, narrow, DType::q8_0},
      {"TQ1_0", TensorRole::other, narrow, DType::q4_0},
      {"TQ2_0", TensorRole::embedding, plain, DType::q4_k},
      {"Q4_0", TensorRole::other, odd, DType::f16},
      {"Q4_K_M", TensorRole::other, odd, DType::f16},
      {"MXFP4_MOE", TensorRole::ffn_down, expert, DType::mxfp4},
      {"MXFP4_MOE", TensorRole::other, plain, DType::q8_0},
      {"MXFP4", TensorRole::other, plain, DType::mxfp4},
  };
  for (const Case& row : cases) {
    TensorPlace place = row.place;
    place.role = row.role;
    INFO(row.mixture << ", role " << static_cast<int>(row.role) << ", width " << place.width);
    CHECK(info(mixture_type(*find_mixture(row.mixture), place)).name == info(row.type).name);
  }
}

TEST_CASE("quantize: what cannot be quantized is refused in one line") {
  const auto refusal = [](const std::string& bytes, std::string_view mixture) {
    try {
      quantized(open_gguf(bytes), mixture);
    } catch (const Error& error) {
      return std::pair(error.code(), std::string(error.what()));
    }
    return std::pair(ErrorCode::internal, std::string("nothing was refused"));
  };
  const auto [code, message] = refusal(small_model(DType::q4_k), "q8_0");
  CHECK(code == ErrorCode::invalid_argument);
  CHECK(message.find("blk.0.ffn_up.weight of test.gguf is q4_k already") != std::string::npos);
  const auto [nan_code, nan_message] = refusal(small_model(DType::f32, NAN), "q4_0");
  CHECK(nan_code == ErrorCode::invalid_argument);
  CHECK(nan_message == "token_embd.weight has values that are not finite numbers");
}

TEST_CASE("quantize: a tensor that keeps its type is copied, whatever that is") {
  const GgufFile file = open_gguf(small_model(DType::q4_k));
  const GgufFile result = quantized(file, "q4_k_s");
  CHECK(std::ranges::equal(result.find_tensor("blk.0.ffn_up.weight")->data,
                           file.find_tensor("blk.0.ffn_up.weight")->data));
}

TEST_CASE("quantize: progress ends at the whole, and stopping stops") {
  const GgufFile file = open_gguf(small_model());
  const UniqueFd out(::memfd_create("hearth_quantized", MFD_CLOEXEC));
  uint64_t last = 0;
  uint64_t all = 1;
  quantize_model(file, find_mixture("q4_0"), 2, out.get(), [&](uint64_t done, uint64_t total) {
    CHECK(done >= last);
    last = done;
    all = total;
    return true;
  });
  CHECK(last == all);
  CHECK_THROWS_AS(quantize_model(file, find_mixture("q4_0"), 2, out.get(),
                                 [](uint64_t, uint64_t) { return false; }),
                  Error);
}

// Every vocabulary of the oracle and of the data folder: ids and text, exactly.
#include "engine/tokenizer/tokenizer.h"

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "engine/gguf/reader.h"
#include "engine/tokenizer/text_stream.h"
#include "tests/engine/tokenizer/test_vocabulary.h"
#include "tests/support/shared.h"

namespace hearth::engine {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::unique_ptr<const Tokenizer> load(const fs::path& path) {
  return make_tokenizer(GgufFile::open(path));
}

// The vocabulary file an oracle entry belongs to, where it is here.
std::optional<fs::path> vocabulary_file(const fs::path& oracle, const Json& entry) {
  const std::string name = entry["file"];
  if (name.starts_with("vocabs/")) return oracle / name;
  return testing::shared_path("data/vocabs/llama.cpp/" + name);
}

std::string cut_as_noted(const std::string& text, const Json& entry) {
  const bool is_cut = entry.value("note", "").find("own 10 kB") != std::string::npos;
  return is_cut ? text.substr(0, 2000) : text;
}

// Compares one string of one vocabulary in every way the oracle knows; returns what differs.
std::vector<std::string> differences(const Tokenizer& tokenizer, const Json& entry,
                                     const Json& expected, const std::string& text) {
  std::vector<std::string> wrong;
  const auto check = [&](const char* what, const auto& found, const auto& wanted) {
    if (found != wanted) wrong.emplace_back(what);
  };
  using Ids = std::vector<TokenId>;
  const auto around = [&](const Ids& ids) {
    Ids all = entry["add_special_before"].get<Ids>();
    all.insert(all.end(), ids.begin(), ids.end());
    for (const TokenId id : entry["add_special_after"].get<Ids>()) all.push_back(id);
    return all;
  };
  const auto text_of = [&](const char* field, const std::string& otherwise) {
    return expected.contains(field) ? from_hex(expected[field]) : otherwise;
  };
  const Ids ids = expected["ids"];
  const Ids parsed = expected.value("ids_parse_special", ids);
  check("ids", tokenizer.encode(text, Specials::as_text), ids);
  check("ids_parse_special", tokenizer.encode(text, Specials::parse), parsed);
  check("text", tokenizer.decode(ids, true), text_of("text_hex", text));
  check("text_without_special", tokenizer.decode(ids, false),
        text_of("text_without_special_hex", text));
  const Ids all = expected.value("ids_add_and_parse_special", around(parsed));
  check("text_all", tokenizer.decode(all, true), text_of("text_all_hex", text));
  check("text_all_without_special", tokenizer.decode(all, false),
        text_of("text_all_without_special_hex", text));
  Ids added;
  if (tokenizer.adds_bos()) added.push_back(*tokenizer.bos());
  added.insert(added.end(), ids.begin(), ids.end());
  if (tokenizer.adds_eos()) added.push_back(*tokenizer.eos());
  if (tokenizer.adds_separator()) added.push_back(*tokenizer.separator());
  check("ids_add_special", added, expected.value("ids_add_special", around(ids)));
  return wrong;
}

std::map<std::string, std::string> test_strings(const fs::path& oracle) {
  std::map<std::string, std::string> strings;
  std::ifstream stream(oracle / "strings.json");
  const Json json = Json::parse(stream);
  for (const auto& [name, value] : json.items()) strings[name] = from_hex(value["hex"]);
  return strings;
}

}  // namespace

TEST_CASE("tokenizers agree with the oracle", "[tokenizer]") {
  const auto oracle = testing::shared_path("oracle/tokenizers");
  if (!oracle) {
    WARN("skipped: shared data is absent");
    return;
  }
  const auto strings = test_strings(*oracle);
  // Everything the folder has must be looked at; these alone belong to files that are not there.
  std::set<std::string> absent{"ggml-vocab-baichuan.gguf", "ggml-vocab-mpt.gguf",
                               "ggml-vocab-refact.gguf"};
  std::set<std::string> unchecked;
  for (const auto& file : fs::directory_iterator(*oracle / "vocabs"))
    unchecked.insert(file.path().filename());
  size_t vocabularies = 0;
  size_t advisory = 0;
  size_t compared = 0;
  for (const auto& file : fs::directory_iterator(*oracle)) {
    if (file.path().extension() != ".json" || file.path().filename() == "strings.json") continue;
    std::ifstream stream(file.path());
    const Json entry = Json::parse(stream);
    const auto path = vocabulary_file(*oracle, entry);
    const std::string name = fs::path(entry["file"].get<std::string>()).filename();
    if (!path) {
      CHECK(absent.erase(name) == 1);
      continue;
    }
    ++vocabularies;
    absent.erase(name);
    unchecked.erase(name);
    const bool is_byte_level = entry["info"]["type"] == 2;
    const auto tokenizer = load(*path);
    CHECK(entry["strings"].size() == strings.size());
    for (const auto& [title, text] : strings) {
      // Not text: the reference lets surrogates through, we take their bytes as malformed. The
      // oracle calls this advisory.
      if (is_byte_level && title == "own invalid surrogate") {
        ++advisory;
        continue;
      }
      ++compared;
      const std::string used = title == "own 10 kB" ? cut_as_noted(text, entry) : text;
      for (const auto& what : differences(*tokenizer, entry, entry["strings"][title], used)) {
        FAIL_CHECK(file.path().stem().string() << ": " << title << ": " << what);
      }
    }
  }
  CHECK(vocabularies >= 40);
  CHECK(absent.empty());
  CHECK(unchecked.empty());
  CHECK(compared + advisory == vocabularies * strings.size());
  CHECK(advisory <= vocabularies);
}

namespace {

// Texts separated by a line of their own, and one line of ids for each.
std::vector<std::pair<std::string, std::vector<TokenId>>> published_vectors(const fs::path& stem) {
  const std::string texts = read_file(stem.string() + ".inp");
  std::istringstream lines(read_file(stem.string() + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::vector<std::pair<std::string, std::vector<TokenId>>> vectors;
  for (size_t at = 0; at < texts.size();) {
    const size_t end = std::min(texts.find(separator, at), texts.size());
    std::string line;
    std::getline(lines, line);
    std::istringstream numbers(line);
    std::vector<TokenId> ids;
    for (TokenId id = 0; numbers >> id;) ids.push_back(id);
    vectors.emplace_back(texts.substr(at, end - at), ids);
    at = end + separator.size();
  }
  return vectors;
}

struct RealVocabulary {
  const char* file;
  const char* vectors;
};

constexpr RealVocabulary real_vocabularies[] = {
    {"llama3.2/ggml-vocab-llama-bpe.gguf", "llama.cpp/ggml-vocab-llama-bpe.gguf"},
    {"qwen2/ggml-vocab-qwen2.gguf", "llama.cpp/ggml-vocab-qwen2.gguf"},
    {"qwen2/ggml-vocab-qwen2.gguf", "llama.cpp/ggml-vocab-deepseek-r1-qwen.gguf"},
    {"llama.cpp/ggml-vocab-gpt-2.gguf", "llama.cpp/ggml-vocab-gpt-2.gguf"},
    {"llama.cpp/ggml-vocab-llama-spm.gguf", "llama.cpp/ggml-vocab-llama-spm.gguf"},
    {"llama.cpp/ggml-vocab-phi-3.gguf", "llama.cpp/ggml-vocab-phi-3.gguf"},
    {"llama.cpp/ggml-vocab-falcon.gguf", "llama.cpp/ggml-vocab-falcon.gguf"},
    {"llama.cpp/ggml-vocab-starcoder.gguf", "llama.cpp/ggml-vocab-starcoder.gguf"},
    {"llama.cpp/ggml-vocab-deepseek-llm.gguf", "llama.cpp/ggml-vocab-deepseek-llm.gguf"},
    {"llama.cpp/ggml-vocab-deepseek-coder.gguf", "llama.cpp/ggml-vocab-deepseek-coder.gguf"},
    {"llama.cpp/ggml-vocab-bert-bge.gguf", "llama.cpp/ggml-vocab-bert-bge.gguf"},
};

// Vectors whose vocabulary is not in the data folder.
constexpr const char* vectors_without_vocabulary[] = {"chameleon", "command-r", "gemma-4",    "mpt",
                                                      "qwen35",    "refact",    "roberta-bpe"};

// The first word is spelled with a space in front where the vocabulary wants one.
std::string without_first_space(const std::string& text) {
  return text.starts_with(' ') ? text.substr(1) : text;
}

}  // namespace

TEST_CASE("real vocabularies give the published ids", "[tokenizer]") {
  const auto folder = testing::shared_path("data/vocabs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const auto& [file, vectors] : real_vocabularies) {
    const auto tokenizer = load(*folder / file);
    const auto expected = published_vectors(*folder / vectors);
    CHECK(expected.size() == 46);
    for (const auto& [text, ids] : expected) {
      INFO(vectors << ": " << text);
      CHECK(tokenizer->encode(text, Specials::as_text) == ids);
    }
  }
  size_t published = 0;
  for (const auto& entry : fs::directory_iterator(*folder / "llama.cpp"))
    published += entry.path().extension() == ".out" ? 1 : 0;
  CHECK(published == std::size(real_vocabularies) + std::size(vectors_without_vocabulary));
}

namespace {

// Sanitizers make tokenizing twenty times slower.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t long_text_bytes = 30'000;
#else
constexpr size_t long_text_bytes = 1'000'000;
#endif

// Half a book, half the oracle's strings in many scripts over and over; without what some
// vocabulary cannot express: U+2581 (SentencePiece takes it for a space), the vertical tab (falcon
// lacks its byte), and the tokens behind which Phi-3 drops white space.
std::string multilingual_text(const fs::path& oracle, const fs::path& book) {
  std::string strings;
  for (const auto& [name, string] : test_strings(oracle)) {
    if (is_valid_utf8(string) && !name.starts_with("own special text")) strings += string + '\n';
  }
  std::erase(strings, '\v');
  for (size_t mark; (mark = strings.find("\u2581")) != strings.npos;) strings.erase(mark, 3);
  std::string text = read_file(book).substr(0, long_text_bytes / 2);
  while (text.size() < long_text_bytes) text += strings;
  return text;
}

// The families that normalise text, and vocabularies without byte tokens, cannot express every one.
bool is_incomplete(const std::string& name) {
  for (const char* part :
       {"ugm", "wpm", "bert-bge", "t5", "tok105", "poem-zh", "tinystories-656k"}) {
    if (name.find(part) != name.npos) return true;
  }
  return false;
}

std::vector<fs::path> all_vocabularies(const fs::path& oracle, const fs::path& data) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(oracle / "vocabs")) files.push_back(file.path());
  for (const auto& file : fs::recursive_directory_iterator(data / "vocabs")) {
    if (file.path().extension() == ".gguf") files.push_back(file.path());
  }
  // A model has the vocabulary of its family's other files.
  for (const char* model :
       {"stories260K/stories260K-f32", "stories260K/stories260K.upstream",
        "tinystories-656k/tinystories-656k-f32", "babyllama-tok105/babyllama-tok105-f32",
        "babyllama-tok361/babyllama-tok361-f32", "poem-zh-750k/poem-zh-f32",
        "tinystories-instruct-3m-chat/tinystories-instruct-3m-chat-q4_0"})
    files.push_back(data / "models" / (std::string(model) + ".gguf"));
  return files;
}

// The bytes of the tokens, one after the other, through a stream; what it shows must always be
// whole characters.
std::string stream_of(const Tokenizer& tokenizer, std::span<const TokenId> ids, TextStream stream) {
  std::string shown;
  std::string piece;
  bool is_whole = true;
  for (const TokenId id : ids) {
    piece.clear();
    tokenizer.append_piece(piece, id, true);
    const size_t before = shown.size();
    stream.push(piece, shown);
    is_whole = is_whole && is_valid_utf8(std::string_view(shown).substr(before));
  }
  stream.finish(shown);
  CHECK(is_whole);
  return shown;
}

}  // namespace

TEST_CASE("a long text comes back through every vocabulary, also as a stream", "[tokenizer]") {
  const auto data = testing::shared_path("data");
  const auto oracle = testing::shared_path("oracle/tokenizers");
  const auto book = testing::shared_path("data/texts/war-and-peace.txt");
  if (!data || !oracle || !book) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::string text = multilingual_text(*oracle, *book);
  // Begins in the middle of a character, so no token begins with it.
  const std::string stop = text.substr(text.rfind("\u4e16") + 1, 40);
  const size_t stop_at = text.find(stop);
  size_t complete = 0;
  for (const fs::path& file : all_vocabularies(*oracle, *data)) {
    INFO(file);
    const auto tokenizer = load(file);
    const auto ids = tokenizer->encode(text, Specials::as_text);
    const std::string decoded = tokenizer->decode(ids, true, Tidying::none);
    const std::string shown = stream_of(*tokenizer, ids, TextStream({"no such string"}));
    if (is_incomplete(file.filename())) {
      CHECK(without_first_space(shown) == without_first_space(repair_utf8(decoded)));
      continue;
    }
    ++complete;
    CHECK((decoded == text));
    CHECK((without_first_space(shown) == without_first_space(text)));
    const std::string stopped = stream_of(*tokenizer, ids, TextStream({stop, "no such string"}));
    CHECK((without_first_space(stopped) ==
           without_first_space(repair_utf8(std::string_view(text).substr(0, stop_at)))));
  }
  CHECK(complete >= 43);
}

TEST_CASE("a real unigram vocabulary normalises by its rules", "[tokenizer]") {
  const auto file = testing::shared_path("data/vocabs/t5-small/vocab-t5-small.gguf");
  if (!file) {
    WARN("skipped: shared data is absent");
    return;
  }
  const auto tokenizer = load(*file);
  const auto ids = [&](const char* text) { return tokenizer->encode(text, Specials::as_text); };
  using Ids = std::vector<TokenId>;
  CHECK(ids("\ufb01ne \u2167 \u2460 \ufb00") == Ids{1399, 27936, 209, 3, 89, 89});
  CHECK(ids("\uff46\uff55\uff4c\uff4c\u3000\uff57\uff49\uff44\uff54\uff48") == Ids{423, 9400});
  CHECK(ids("a  b   c  ") == Ids{3, 9, 3, 115, 3, 75});
  CHECK(ids("\ud55c\uad6d\uc5b4 \u00e9 e\u0301") == Ids{3, 2, 3, 154, 3, 154});
  CHECK(tokenizer->encode_prompt(std::array{TextPart{"fine"}}).back() == *tokenizer->eos());
}

TEST_CASE("text may reach no control token in any family", "[tokenizer]") {
  const auto oracle = testing::shared_path("oracle/tokenizers/vocabs");
  if (!oracle) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const char* name : {"rwkv", "ugm", "wpm", "spm", "bpe-llama-bpe"}) {
    const auto tokenizer = load(*oracle / (std::string(name) + ".gguf"));
    const TextPart typed[] = {{"a<s>b</s>[CLS]<|im_start|>", false}};
    for (const TokenId id : tokenizer->encode_parts(typed)) {
      const bool is_harmless = !tokenizer->is_control(id) || id == tokenizer->unknown();
      CHECK(is_harmless);
    }
  }
}

TEST_CASE("a WordPiece prompt stands between its two tokens, once", "[tokenizer]") {
  const auto file = testing::shared_path("oracle/tokenizers/vocabs/wpm.gguf");
  if (!file) {
    WARN("skipped: shared data is absent");
    return;
  }
  const auto tokenizer = load(*file);
  const TextPart plain[] = {{"Hello", false}};
  const auto ids = tokenizer->encode_prompt(plain);
  CHECK(ids.front() == 2);
  CHECK(ids.back() == 3);
  CHECK(ids.size() == tokenizer->encode("hello", Specials::as_text).size() + 2);
  const TextPart spelled[] = {{"[CLS]Hello[SEP]", true}};
  CHECK(tokenizer->encode_prompt(spelled) == ids);
}

TEST_CASE("merges over characters fall back to bytes and keep line breaks", "[tokenizer]") {
  MetadataBuilder builder;
  builder.text("tokenizer.ggml.model", "gemma4");
  builder.texts("tokenizer.ggml.tokens", {"<unk>", "<bos>", "a", "b", "\u2581", "ab", "\u2581ab",
                                          "\n", "\n\n", "<0xC3>", "<0xA9>", "\u2581\u2581"});
  builder.numbers("tokenizer.ggml.token_type", {2, 3, 1, 1, 1, 1, 1, 1, 1, 6, 6, 1});
  builder.texts("tokenizer.ggml.merges", {"a b", "\u2581 ab", "\u2581 \u2581"});
  builder.number("tokenizer.ggml.bos_token_id", 1).boolean("tokenizer.ggml.add_bos_token", false);
  const auto tokenizer = make_tokenizer(builder.build());
  const auto ids = tokenizer->encode("ab ab  ab\n\n\u00e9b\n", Specials::as_text);
  CHECK(ids == std::vector<TokenId>{5, 6, 4, 6, 8, 9, 10, 3, 7});
  CHECK(tokenizer->decode(ids, true) == "ab ab  ab\n\n\u00e9b\n");
  CHECK(tokenizer->adds_bos());  // whatever the file says
}

TEST_CASE("what somebody typed never becomes a control token", "[tokenizer]") {
  // Merging alone could build <s> here: "<s" and ">" are pieces, and the control token has the
  // joined spelling.
  const auto builder =
      spm_vocabulary({"<", "s", ">", "<s", "a", "\u2581", "|", "im_start", "\u2581a"});
  const auto tokenizer = make_tokenizer(builder.build());
  CHECK(tokenizer->encode("a<s>", Specials::as_text).back() == 1);  // as llama.cpp has it
  const auto has_control = [&](const std::vector<TokenId>& ids) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](TokenId id) { return id == 1 || id == 2 || id == 3; });
  };
  const TextPart typed[] = {{"a<s></s><|im_start|>", false}};
  CHECK_FALSE(has_control(tokenizer->encode_parts(typed)));
  const TextPart straddling[] = {{"<|im_", true}, {"start|>", false}, {"<", false}, {"s>", true}};
  CHECK_FALSE(has_control(tokenizer->encode_parts(straddling)));
  const TextPart mixed[] = {{"<s>", true}, {"<s>", false}, {"<|im_", true}, {"start|>a", true}};
  const auto ids = tokenizer->encode_parts(mixed);
  CHECK(std::count(ids.begin(), ids.end(), 1) == 1);
  CHECK(ids.front() == 1);
  CHECK(std::count(ids.begin(), ids.end(), 3) == 1);
}

TEST_CASE("parts are merged as one text", "[tokenizer]") {
  const auto folder = testing::shared_path("data/vocabs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const std::string text = "The quick brown fox, 12345 jumps";
  for (const auto& [file, vectors] : real_vocabularies) {
    const auto tokenizer = load(*folder / file);
    for (size_t cut = 0; cut <= text.size(); cut += 5) {
      const TextPart parts[] = {{std::string_view(text).substr(0, cut), true},
                                {std::string_view(text).substr(cut), false}};
      CHECK(tokenizer->encode_parts(parts) == tokenizer->encode(text, Specials::as_text));
    }
  }
}

TEST_CASE("a prompt gets each token around it once", "[tokenizer]") {
  auto builder = spm_vocabulary({"a", "\u2581a"});
  builder.boolean("tokenizer.ggml.add_eos_token", true);
  const auto tokenizer = make_tokenizer(builder.build());
  CHECK(tokenizer->adds_bos());
  const TextPart plain[] = {{"a", false}};
  CHECK(tokenizer->encode_prompt(plain) == std::vector<TokenId>{1, 5, 2});
  const TextPart spelled[] = {{"<s>a</s>", true}};
  CHECK(tokenizer->encode_prompt(spelled) == std::vector<TokenId>{1, 5, 2});
  CHECK(tokenizer->encode_prompt({}) == std::vector<TokenId>{1, 2});
}

TEST_CASE("vocabularies without byte tokens and odd files load", "[tokenizer]") {
  const auto tokenizer = make_tokenizer(spm_vocabulary({"a", "\u2581"}).build());
  CHECK(tokenizer->encode("a\u4e16", Specials::as_text) == std::vector<TokenId>{5, 4, 0});
  CHECK(tokenizer->decode(tokenizer->encode("a", Specials::as_text), true) == "a");
  const auto odd = testing::shared_path("data/models/stories260K/stories260K.upstream.gguf");
  if (!odd) {
    WARN("skipped: shared data is absent");
    return;
  }
  CHECK(load(*odd)->bos() == 1);
}

TEST_CASE("what cannot be tokenized is refused by name", "[tokenizer]") {
  const auto make = [](MetadataBuilder& builder) { return make_tokenizer(builder.build()); };
  MetadataBuilder family;
  family.text("tokenizer.ggml.model", "mystery");
  CHECK_THROWS_WITH(make(family), Catch::Contains("\"mystery\"") && Catch::Contains("gpt2") &&
                                      Catch::Contains("needs an encoder"));
  const auto bpe = [](const std::string& pre, const std::vector<std::string>& merges) {
    MetadataBuilder builder;
    builder.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", pre);
    builder.texts("tokenizer.ggml.tokens", {"a", "b", "ab"}).texts("tokenizer.ggml.merges", merges);
    return builder;
  };
  auto unknown = bpe("mystery-pre", {});
  CHECK_THROWS_WITH(make(unknown), Catch::Contains("mystery-pre") && Catch::Contains("llama-bpe") &&
                                       Catch::Contains("split rule"));
  MetadataBuilder hopeless;
  hopeless.text("tokenizer.ggml.model", "t5").texts("tokenizer.ggml.tokens", {"a", "b"});
  CHECK_THROWS_WITH(make(hopeless), Catch::Contains("no unknown token"));
  for (const char* merge : {"a c", "b a", "ab", "", " ", "a ", " a"}) {
    auto broken = bpe("gpt-2", {"a b", merge});
    CHECK_THROWS_WITH(make(broken), Catch::Contains("merges[1]"));
  }
  auto good = bpe("gpt-2", {"a b", "a b"});
  CHECK(make(good)->encode("abba", Specials::as_text) == std::vector<TokenId>{2, 1, 0});
}

}  // namespace hearth::engine

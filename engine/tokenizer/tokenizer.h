// Text to token ids and back, with the vocabulary a GGUF file carries (keys tokenizer.ggml.*).
// The families by tokenizer.ggml.model: "llama" (SentencePiece byte pairs by score), "gpt2"
// (byte-level BPE behind a pre-tokenizer named by tokenizer.ggml.pre), "gemma4" (BPE over
// characters), "t5" (SentencePiece unigram), "bert" (WordPiece) and "rwkv" (longest match). Ids are
// those of llama.cpp for the same file. Text
// that spells a control token (<|im_start|>) is only understood as one where the caller vouches for
// the text; what a user typed never becomes a control token.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/token_id.h"

namespace hearth::engine {

class GgufFile;
class GgufMetadata;

// What to do with text that spells a control token.
enum class Specials {
  parse,    // becomes the token: for templates and other text we wrote
  as_text,  // stays text: for what came from outside
};

// Whether decoded text loses spaces before punctuation where the vocabulary was made so (gpt-2 and
// its kin, also llama 3, WordPiece).
enum class Tidying {
  by_vocabulary,  // as llama.cpp prints it
  none,           // every token's own bytes
};

// A piece of a prompt. Neighbouring pieces are tokenized as one text, except that control tokens
// are recognised only where their whole spelling lies in trusted text.
struct TextPart {
  std::string_view text;
  bool is_trusted = false;
};

// Immutable after construction; every function may be called from several threads at once.
class Tokenizer {
 public:
  Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;
  virtual ~Tokenizer() = default;

  // Ids of the text alone: nothing is added in front or behind. Malformed UTF-8 bytes count as
  // U+FFFD in byte-level vocabularies and become byte tokens in SentencePiece ones. O(n log n)
  // whatever the text. Exactly llama.cpp's ids; as there, a SentencePiece vocabulary may reach a
  // control token by merging plain text.
  virtual std::vector<TokenId> encode(std::string_view text, Specials specials) const = 0;
  // The same for a prompt. Untrusted text never gives a control token, neither by its spelling nor
  // by merging.
  virtual std::vector<TokenId> encode_parts(std::span<const TextPart> parts) const = 0;
  // encode_parts, then what the model expects around a prompt: bos (unless the text already starts
  // with it), eos and the separator (unless it already ends with them), as adds_bos(), adds_eos()
  // and adds_separator() say. In WordPiece vocabularies bos is [CLS] and the separator [SEP].
  std::vector<TokenId> encode_prompt(std::span<const TextPart> parts) const;

  // Appends the bytes of one token; they need not be whole UTF-8 characters. Control and unknown
  // tokens give their name when `show_special`, else nothing. Throws Error{invalid_argument} for an
  // id outside the vocabulary.
  virtual void append_piece(std::string& text, TokenId id, bool show_special) const = 0;
  // The text of a whole sequence as llama.cpp prints it: without the space that encode() put in
  // front, and tidied. Generated text that continues a prompt is printed with append_piece instead.
  virtual std::string decode(std::span<const TokenId> ids, bool show_special,
                             Tidying tidying = Tidying::by_vocabulary) const = 0;

  virtual int64_t vocab_size() const = 0;
  // As the file spells it: "▁the", "Ġthe". Valid as long as the tokenizer. Throws as append_piece.
  virtual std::string_view token_text(TokenId id) const = 0;
  // Control and unknown tokens: part of the protocol, not of the text. False for an id outside the
  // vocabulary.
  virtual bool is_control(TokenId id) const = 0;
  // Whether the answer ends here. Several tokens can mean that; false for an id outside the
  // vocabulary.
  virtual bool is_end_of_generation(TokenId id) const = 0;
  // The id whose spelling in the file is exactly `text`, for control tokens named by templates.
  virtual std::optional<TokenId> find_token(std::string_view text) const = 0;

  virtual std::optional<TokenId> bos() const = 0;  // begin of sequence
  virtual std::optional<TokenId> eos() const = 0;  // end of sequence
  virtual std::optional<TokenId> eot() const = 0;  // end of turn
  virtual std::optional<TokenId> eom() const = 0;  // end of message, a tool call follows
  virtual std::optional<TokenId> unknown() const = 0;
  virtual std::optional<TokenId> padding() const = 0;
  virtual std::optional<TokenId> separator() const = 0;
  // Fill in the middle.
  virtual std::optional<TokenId> fim_prefix() const = 0;
  virtual std::optional<TokenId> fim_suffix() const = 0;
  virtual std::optional<TokenId> fim_middle() const = 0;
  virtual bool adds_bos() const = 0;
  virtual bool adds_eos() const = 0;
  virtual bool adds_separator() const = 0;
};

// Throws Error{unsupported} naming an unknown tokenizer.ggml.model or .pre, what is supported and
// what the new one would need,
// Error{corrupt_data} for a vocabulary that contradicts itself. A missing .pre is taken as
// "default" with a warning in the log. Copies what it needs: the file may be closed afterwards.
std::unique_ptr<const Tokenizer> make_tokenizer(const GgufMetadata& metadata);
std::unique_ptr<const Tokenizer> make_tokenizer(const GgufFile& file);

// For the inspection commands of hearth-runner. tokenize_stream reads `in_fd` to its end and writes
// one id per line, nothing added; detokenize_stream reads ids separated by white space and writes
// exactly the bytes of decode(ids, true, tidying). They throw Error{invalid_argument} for what is
// not a number of the vocabulary, and Error{internal} when reading or writing fails.
void tokenize_stream(const Tokenizer& tokenizer, Specials specials, int in_fd, int out_fd);
void detokenize_stream(const Tokenizer& tokenizer, Tidying tidying, int in_fd, int out_fd);

}  // namespace hearth::engine

// The tokenize and detokenize commands of hearth-runner: plain data from one descriptor to another.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "engine/tokenizer/tokenizer.h"

namespace hearth::engine {
namespace {

constexpr size_t input_bytes_max = size_t{1} << 30;

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t count = ::read(fd, chunk.data(), chunk.size());
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw Error(ErrorCode::internal,
                  fmt::format("reading the input failed: {}", std::strerror(errno)));
    text.append(chunk.data(), static_cast<size_t>(count));
    if (text.size() > input_bytes_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the input is longer than {} bytes", input_bytes_max));
    }
  }
}

bool is_separator(char c) {
  return c == ' ' || c == ',' || (c >= '\t' && c <= '\r');
}

std::vector<TokenId> parse_ids(std::string_view text) {
  std::vector<TokenId> ids;
  size_t at = 0;
  while (true) {
    while (at < text.size() && is_separator(text[at])) ++at;
    if (at == text.size()) return ids;
    TokenId id = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), id);
    const auto stop = static_cast<size_t>(end - text.data());
    if (error != std::errc() || (stop < text.size() && !is_separator(text[stop]))) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the input at byte {} is not a token id", at));
    }
    ids.push_back(id);
    at = stop;
  }
}

}  // namespace

void tokenize_stream(const Tokenizer& tokenizer, Specials specials, int in_fd, int out_fd) {
  const std::string text = read_all(in_fd);
  std::string lines;
  for (const TokenId id : tokenizer.encode(text, specials))
    fmt::format_to(std::back_inserter(lines), "{}\n", id);
  write_all(out_fd, std::as_bytes(std::span(lines)), "the token ids");
}

void detokenize_stream(const Tokenizer& tokenizer, Tidying tidying, int in_fd, int out_fd) {
  const std::string text = tokenizer.decode(parse_ids(read_all(in_fd)), true, tidying);
  write_all(out_fd, std::as_bytes(std::span(text)), "the text");
}

}  // namespace hearth::engine

#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/tokenizer/pre_tokenizer.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "base/check.h"
#include "base/error.h"

namespace hearth::engine {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Code = std::unique_ptr<pcre2_code, Freer<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freer<pcre2_match_context_free>>;

PCRE2_SPTR code_units(std::string_view text) {
  return static_cast<PCRE2_SPTR>(static_cast<const void*>(text.data()));
}

// PCRE2 counts U+180E as a space, Unicode and the trainers of vocabularies do not: spell the set
// out.
constexpr std::string_view white_space =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// Replaces \s, inside and outside of classes, and \S outside of them.
std::string spell_out_white_space(std::string_view pattern) {
  std::string result;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's') {
        result += in_class ? std::string(white_space) : fmt::format("[{}]", white_space);
      } else if (next == 'S') {
        HEARTH_CHECK(!in_class);
        result += fmt::format("[^{}]", white_space);
      } else {
        result += {c, next};
      }
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    result.push_back(c);
  }
  return result;
}

// What PCRE2 needs to run a pattern; made once per text.
struct Matching {
  explicit Matching(size_t text_size)
      : data(pcre2_match_data_create(1, nullptr)), context(pcre2_match_context_create(nullptr)) {
    if (!data || !context)
      throw Error(ErrorCode::out_of_memory, "no memory to cut text into words");
    // Enough for patterns that look at each character a few times, however long the text.
    const uint64_t limit = 100'000 + uint64_t{64} * text_size;
    pcre2_set_match_limit(context.get(), static_cast<uint32_t>(std::min<uint64_t>(
                                             limit, std::numeric_limits<uint32_t>::max())));
  }

  MatchData data;
  MatchContext context;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_digit_groups(std::string_view piece, uint32_t base, std::vector<uint32_t>& ends) {
  for (size_t at = 0; at < piece.size();) {
    size_t run = at;
    while (run < piece.size() && is_digit(piece[run])) ++run;
    for (; at < run; at += (run - at) % 3 == 0 ? 3 : (run - at) % 3) {
      if (at > 0) ends.push_back(base + static_cast<uint32_t>(at));
    }
    while (run < piece.size() && !is_digit(piece[run])) ++run;
    if (run > at && at > 0) ends.push_back(base + static_cast<uint32_t>(at));
    at = run;
  }
  ends.push_back(base + static_cast<uint32_t>(piece.size()));
}

}  // namespace

class PreTokenizer::Regex {
 public:
  explicit Regex(std::string_view pattern) {
    if (pattern.empty()) return;
    const std::string source = spell_out_white_space(pattern);
    int error = 0;
    size_t offset = 0;
    code_.reset(
        pcre2_compile(code_units(source), source.size(), PCRE2_UTF, &error, &offset, nullptr));
    if (!code_) {
      throw Error(ErrorCode::internal, fmt::format("pre-tokenizer pattern: error {} at {} of {}",
                                                   error, offset, source));
    }
    // Without machine code (a system that forbids it) the same pattern is interpreted.
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
    find_first_bytes();
  }

  // Appends the ends of the pieces of `piece`, which starts at `base` of the text.
  void append_pieces(std::string_view piece, uint32_t base, const Matching& matching,
                     std::vector<uint32_t>& ends) const {
    const size_t* range = pcre2_get_ovector_pointer(matching.data.get());
    size_t at = 0;
    const auto cut = [&](size_t end) {
      if (end > at) ends.push_back(base + static_cast<uint32_t>(end));
      at = end;
    };
    while (at < piece.size()) {
      const size_t start = next_start(piece, at);
      if (start == piece.size()) break;
      const int result = pcre2_match(code_.get(), code_units(piece), piece.size(), start,
                                     PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, matching.data.get(),
                                     matching.context.get());
      if (result == PCRE2_ERROR_NOMATCH) break;
      if (result < 0) {
        throw Error(ErrorCode::unsupported,
                    fmt::format("text cannot be cut into words: matching stopped with {}", result));
      }
      cut(range[0]);
      cut(range[1]);
    }
    cut(piece.size());
  }

 private:
  // Asks the compiled pattern which bytes its matches can begin with; all where it does not know.
  void find_first_bytes() {
    is_first_.fill(true);
    uint32_t kind = 0;
    const uint8_t* bits = nullptr;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_FIRSTCODETYPE, &kind);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_FIRSTBITMAP, &bits);
    if (kind != 0 || bits == nullptr) return;
    for (size_t byte = 0; byte < is_first_.size(); ++byte) {
      const bool is_inside = byte >= 0x80 && byte < 0xC0;  // of a character, where nothing begins
      is_first_[byte] = !is_inside && (bits[byte / 8] >> (byte % 8) & 1) != 0;
    }
  }

  // Most pieces have nothing that a later stage looks for: seeing that here saves calling the
  // matcher.
  size_t next_start(std::string_view piece, size_t at) const {
    while (at < piece.size() && !is_first_[static_cast<unsigned char>(piece[at])]) ++at;
    return at;
  }

  Code code_;
  std::array<bool, 256> is_first_{};
};

PreTokenizer::PreTokenizer(std::span<const SplitStage> stages) {
  for (const SplitStage& stage : stages) {
    kinds_.push_back(stage.kind);
    regexes_.emplace_back(stage.pattern);
  }
}

PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

std::vector<uint32_t> PreTokenizer::split(std::string_view text) const {
  const Matching matching(text.size());
  std::vector<uint32_t> ends{static_cast<uint32_t>(text.size())};
  for (size_t stage = 0; stage < kinds_.size(); ++stage) {
    std::vector<uint32_t> finer;
    finer.reserve(std::max(ends.size(), text.size() / 4));
    uint32_t begin = 0;
    for (const uint32_t end : ends) {
      const std::string_view piece = text.substr(begin, end - begin);
      if (kinds_[stage] == SplitStage::Kind::regex) {
        regexes_[stage].append_pieces(piece, begin, matching, finer);
      } else if (kinds_[stage] == SplitStage::Kind::digit_groups ||
                 std::all_of(piece.begin(), piece.end(), is_digit)) {
        append_digit_groups(piece, begin, finer);
      } else {
        finer.push_back(end);
      }
      begin = end;
    }
    ends = std::move(finer);
  }
  return ends;
}

}  // namespace hearth::engine

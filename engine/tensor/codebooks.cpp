// Every table is sorted when element 0 counts as the least significant digit, so a bitmap over all
// strings of digits describes it: count through the strings, first digit fastest, and take those
// whose bit is set. Where all points of a table have an even sum of digits, only such strings have
// a bit. The bitmaps are written in base64, lowest bit of a byte first.
#include "engine/tensor/codebooks.h"

#include <string_view>

namespace hearth::engine {
namespace {

constexpr std::string_view iq2_xxs_bits =
    "f/akmSCmQAAgCAYIACAATJgFYYIsCAQwBMAAAYAAaYJmAAIgAAIAACAEAAAAYEIECFIgQYAIAQAAIQAAQIKCAAIAQABA"
    "AIBAAAAAABMgAAgABQAAABAAAAgAACYAATEAAEAEAAAMAAAAAJgAgQAACAACCAAAAAAACIAgAAAgAAAAAAAAABAAAMCk"
    "SRQmQIAAIAqACIAIAYAEAQAEBCAEAAAAAQAAAAAmQAEAAAIAQCEAAAACAAKkDAAgARAAAgAAAQAAAAgAAAAAGAABAAAA"
    "IAAAAQAgJAAgAAAACAAAAAIAAAAACRAAAYAAAAgAAIAAQAAABQAAAABgAAAgAAAAAAAAAAABAAAAAAAAAAAAAAAAmAAC"
    "gAAgCAIAAAACAAAAYAoECAAgACAAQAACCBAAgAAAAAAAAQAAAAAQAAAAABIkAAAQgAAACAAAAAEAAAIIAQAAAAAQAAAA"
    "AAAAAAAAAEAAABAAAAAAAAAAACAAQAACAAEAAAAgAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAIAAAIAAAAAAAAAAAAA";

constexpr std::string_view iq2_xs_bits =
    "/9+/eRv+z5s0Ad6EKRAB/Jt3YQK8CRMiAJhAA4AA+FMmQYA4AQKABBAgAQBA4d+8iRPgTZgAwcAFCBAAwJuwQQKACRAA"
    "AIAgAAEAADMgCCAABQAAAgAAAAgAAP+ECRAgTIAEBAAEEAAgAJqAAQAACABCAEAQEAAAAJQhAAEEAgAAQBAAQQAAGsC/"
    "+VMmwJswAQqIGRgAAIC3YQIEARMkAAAIEYAEAAAmQBEBAEIACQgACAAAAAC8SRMgAJgCAwAACAAEAAA4IQKEAJEAAIAE"
    "AEAAQAAiCIgAAAFAGAAAAAAAAAiACRBEEMAAAAAAAAAEAgABgQAAAAAgQAEAQAAAAAAABAAAEAAAIAAAACAAQAQAeBMn"
    "wAB8AUICABAgAIABaQ4ECAggABAAAAggAAABQAICEAYgAgAAAAAAAgAkQhMgEBAAAQQAAQAAACCAAAoASQAAAEAAAAYA"
    "AAEAAAAAIAAAAgAQAAAABAAEALAhAgAAAQCABABoAQQAAQIACACAAAAAAAAAAACAAAIICwAASAIAADAAADAAAAEB";

constexpr std::string_view iq2_s_bits =
    "/9+/f1P/zfs2Z97EL1BF/Pv/59v8b//mTfgCbcIEeF//TRE4L9qECBBGQwCA4N+9f9fm//s3b8CWKQMmwPv2b96Ef/Mm"
    "TIA2YQIEgN/iTRgAb8IEBCAkQCAAAN7XORIFzokzYQJE0BIAA/o2b8IEaBMmUAAwAQICAFAGTAAIcAIAAEAAggAgGMD/"
    "+3+mzfvzb96EedImDID/79+8Cf/mTZwAb8IECED2zZsgAd6ECRAITIAAAAC8f//mDfg3b8IEaBMmYADwb96ECfAmTIAA"
    "YAIFAADgTZgIAcAECAAAQEAAAAige9MmSIA3YQIEBBIgEAAQbcIECAAmQAQEAgIAAAAETAAABBAEgAAAAAAAAgCAeFvm"
    "RRmwb96ACVgHTAAA4F+8CRPgTZgAEcAEDAAAQBkwAQCIARCAAAAAAjAIEPvkTZgAZcBEAAAmQAAAgN6ECRAITIAAAFAE"
    "AAQEAJhAAQAADABQAAAAAAAACFBFTgAAEgAEIABAggYAGtAECAAQSEAAAAAAAAACAAAICAAAEAAACCAAGBYAQAAB";

constexpr std::string_view iq3_xxs_bits =
    "txMCYDM1QRAXs5BAOQQAECCAhGAJICAAAEAABNAAAgEzcxgAEwMAADMRACADEQgIBQAQAAAFCBAEAAAAAAIBADMbAgA3"
    "EQAak4NBAFEAAFAAQCAAAggBQAAAAACDAAQAMQMQJAMRDAATBCAgECAAAAAQCCAJAkAAQIAAAgAgAAGEwKAAAAAAQACB"
    "AQkIAAQABAAQBAAEAhAAAAAANBAAACAAARAJCEAAQCAAIAIAIAAQCgAgAhAAAAAAEAAABAIAAAQMBAABAAGAAAAEAJAA"
    "AAAABAAEACAAACAAAAIBAAAeICAAAAgBACAAJABBIAABAAEBAAMEAAAAEAAAAAAAAA==";

constexpr std::string_view iq3_s_bits =
    "p1cjCKUKBZIXI4kiEAAiBKNJIhGkCgAJCCIFShAFgCIBiBIECQIAARQARQiiAEAIQAoAAgAEAAIVAEUIABEAABerBVIA"
    "UAIESxECCQIFAEEBpBEECSABBJIJghECAAQBKBQACkQRAAACCQIFAAIAAAAAkQBQAAAACgUCIAIABAGrVYoFKgWAKQWJ"
    "JBIEAgAAkgAKgQKIABIlAhQKBAFAAIIACSQCAAAkEAIEgAEIAAGFAAIAACACACACQAEIAQAABKoEKpQCCAIqEAoAAQAB"
    "RAEEARQAAQAAAhGKAYogAAgIQgQCAAQRAAIFIAQQQAAIAEAAAAIAAAAKAAUgAAAAABEEkQQCAQABhAoEIQgiAAAKIQII"
    "AYAEARAKBSIAAAAABQAQgAEAAAKgAAIAAAAEAAAIABAAAAEAACEAAQgCAAAEEQQAkQRAECoEAgQAAAAEAQIIQQAIAACE"
    "AYAAEAIgCBIAAQRAAAAAAARAAAAKAAAAAAAABAAAABQABAAAAAAAACoACgAAAQABAIEAAAAQAAAEABAEIAQBARACAAEA"
    "AAAAACAACAAEAAkAABAAAAEAIAAAAAEAAAAACgAAAAAAAJEABUABEAQABAIQACgAAAASQQIBAAIAAAQAACQACAAAIggB"
    "AAABAAAAAAQABAAAAAQAAAIAAAAAAQAAAAAAAAA=";

constexpr std::string_view iq1_bits =
    "VSUUhaACQlEIRTGohiCKohoIKiAUhVAUgiBERSUVBaACgiCIGAAIgqADKqCIu6oKkKoLACIACqqMgqAIQFEIRSGIgFAU"
    "QlEIijAImKAIgCoIRSEUhSBIQlUIRQEswqAgiiYAKiSoqqII4q8ICCgoAKACQiiqKCCogCAKmwi5uqggyq6Joq6qOnzr"
    "6rq7gg64IrrK0w6SAiIAIiCoiroKggIIACpK4KI7IiArogCBQIGqiigIIgEUhVAVgiAJRSFUhaAIAiOoOiCEgiBUQlEI"
    "oiAIlVAUAioIuKiCgKBIAiAIgqJoogIoqyoIhSAIgjAIRUAARSEUhaAAQlEARQEpggCKgioIoTAUBVAUgigIRSEUhSAC"
    "AiCqKgAgErGKriiouqGqqHAAggoIAigiAoQAggBIgKDqsCqqwiCLuiLq2qeLi26okrAqqnKLikQMKiBIhEAoiioIqiDI"
    "zKIioq+aoOioAgACACqoiAAggKCLoqIouqCAgjIKur64uv7roqArogiKCijqogChMgIM+qTq3u8rqC6Nvn7r+vd/v+Z9"
    "ut5p+yf/vyb6EunhiiIQqr4OhKoIsqgLgq7/uiTpg4AEYixo8qgKpCsAAioICOKqEgACgioKpiDJgomQgigAogCMgBMA"
    "gggIAGyKqqq7Aqa+iqDKAoBrly7QsukQghAuqt4oFdGlBAAKggCKgiAIAaEggqo5uiIyhKAJgBgAiqJiAoEURFEARSGs"
    "glAUQlEIqiAoqocKEioIRSEUBaAIQlEIRQEgAqBAoiIAiAAIoghqim64qqqAACAKguLIIiEIRFAUQlEJiiAVhVAUhgoI"
    "qioqgAAKQlEIRSGoAFAUQlEI4iCIggoYgioIqqKqirCLAgoqqiAogoCqCigIKACpiAIioL4LKLgIirpLsq7/uqT4rqog"
    "UihotqAw5oAKAigIImpigCAKAqqqK6rqoqmgoggIECCgiiIAgg4ARSEUhaAKQFEIRSGpBgBKqgIIpQAQDUQUgigIRSEU"
    "BQAIgoKs8iAAAACqCigKuiDqogIAgkgJKOkUABFLRVEARQGoAlAUQlEIiCQIiCgKQAgARQEUBaACQFEIRQE=";

constexpr int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : 63;
}

// Bit `number` of the bytes that `text` is the base64 of; a sextet holds its bits highest first.
constexpr bool has_bit(std::string_view text, int number) {
  const int from_high = number / 8 * 8 + 7 - number % 8;
  const int value = sextet(text[static_cast<size_t>(from_high / 6)]);
  return ((value >> (5 - from_high % 6)) & 1) != 0;
}

enum class DigitSums { all, even };

// `digit_values[i]` is what digit i stands for, as a byte; their number is the base. The compiler
// refuses a bitmap with more points than `size`, the test one with fewer.
template <typename Entry, int size, int base>
constexpr Codebook<Entry, size> expand(std::string_view bits, DigitSums sums,
                                       const uint8_t (&digit_values)[base]) {
  constexpr int digit_count = sizeof(Entry);
  Codebook<Entry, size> book{};
  int digits[digit_count] = {};
  int digit_sum = 0;
  int bit = 0;
  for (int found = 0;;) {
    if ((sums == DigitSums::all || digit_sum % 2 == 0) && has_bit(bits, bit++)) {
      Entry entry = 0;
      for (int i = digit_count - 1; i >= 0; --i)
        entry = static_cast<Entry>(entry << 8) | digit_values[digits[i]];
      book.entries[found++] = entry;
    }
    int place = 0;
    for (; place < digit_count && digits[place] == base - 1; ++place) {
      digit_sum -= digits[place];
      digits[place] = 0;
    }
    if (place == digit_count) return book;
    ++digits[place];
    ++digit_sum;
  }
}

constexpr uint8_t iq2_values[] = {8, 25, 43};
constexpr uint8_t iq3_xxs_values[] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr uint8_t iq3_s_values[] = {1, 3, 5, 7, 9, 11, 13, 15};
constexpr uint8_t iq1_values[] = {0xff, 0, 1};

}  // namespace

constexpr Codebook<uint64_t, 256> iq2_xxs_codebook =
    expand<uint64_t, 256>(iq2_xxs_bits, DigitSums::even, iq2_values);
constexpr Codebook<uint64_t, 512> iq2_xs_codebook =
    expand<uint64_t, 512>(iq2_xs_bits, DigitSums::even, iq2_values);
constexpr Codebook<uint64_t, 1024> iq2_s_codebook =
    expand<uint64_t, 1024>(iq2_s_bits, DigitSums::even, iq2_values);
constexpr Codebook<uint32_t, 256> iq3_xxs_codebook =
    expand<uint32_t, 256>(iq3_xxs_bits, DigitSums::even, iq3_xxs_values);
constexpr Codebook<uint32_t, 512> iq3_s_codebook =
    expand<uint32_t, 512>(iq3_s_bits, DigitSums::all, iq3_s_values);
constexpr Codebook<uint64_t, 2048> iq1_codebook =
    expand<uint64_t, 2048>(iq1_bits, DigitSums::all, iq1_values);

}  // namespace hearth::engine

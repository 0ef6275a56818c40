// libFuzzer target: the first byte is a style of calls, the second a cut, the rest an answer. Build
// with the preset `fuzz`, then
//   mkdir corpus && build/fuzz/bin/reply_fuzz corpus
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "modelfile/reply/styles.h"
#include "tests/support/reply_subject.h"

using namespace hearth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto& rows = modelfile::reply::call_styles();
  const auto& thoughts = modelfile::reply::thinking_styles();
  modelfile::ReplyStyle style;
  style.call_style = rows[data[0] % rows.size()].name;
  style.thinking_open = thoughts[data[0] % thoughts.size()].open;
  style.thinking_close = thoughts[data[0] % thoughts.size()].close;
  style.starts_in_thinking = data[1] % 2 == 1;
  style.tools = {modelfile::Json::parse(
      R"({"function": {"name": "f", "parameters": {"properties": {"a": {"type": "integer"}}}}})")};
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const testing::ParsedReply whole = testing::parse_reply(style, text, {});
  if (testing::parse_reply(style, text, {data[1] % (text.size() + 1)}) != whole) std::abort();
  if (testing::parse_reply_by_bytes(style, text) != whole) std::abort();
  return 0;
}

#include "modelfile/prompt_formats.h"

#include <catch2/catch.hpp>
#include <set>

#include "modelfile/template.h"

using namespace hearth::modelfile;

namespace {

std::string name_of(const ModelSigns& signs) {
  const PromptFormat* row = recognise_prompt_format(signs);
  return row ? std::string(row->name) : "none";
}

std::string rendered(std::string_view name) {
  RenderContext context;
  for (const auto& [role, content] : std::initializer_list<std::pair<const char*, const char*>>{
           {"system", "S"}, {"user", "A"}, {"assistant", "B"}, {"user", "C"}}) {
    Message& message = context.messages.emplace_back();
    message.role = role;
    message.content = content;
  }
  context.bos_token = "<s>";
  context.eos_token = "</s>";
  for (const PromptFormat& row : prompt_formats()) {
    if (row.name == name) return to_text(Template::parse_jinja(row.text).render(context));
  }
  return "no such format";
}

}  // namespace

TEST_CASE("families are recognised by their special tokens, then by name") {
  CHECK(name_of({"qwen2", "", {"<|endoftext|>", "<|im_end|>", "<|im_start|>"}}) == "chatml");
  CHECK(name_of({"phi3", "", {"<|im_end|>", "<|im_start|>", "<|im_sep|>"}}) == "phi4");
  CHECK(name_of({"llama", "", {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}}) ==
        "llama3");
  CHECK(name_of({"gemma2", "", {"<start_of_turn>", "<end_of_turn>"}}) == "gemma");
  CHECK(name_of({"llama", "", {"[INST]", "[/INST]"}}) == "mistral-v3");
  CHECK(name_of({"phi3", "", {"<|user|>", "<|assistant|>", "<|end|>"}}) == "phi3");
  CHECK(name_of({"chatglm", "", {"[gMASK]", "<sop>", "<|user|>", "<|assistant|>"}}) == "glm");
  CHECK(name_of({"deepseek2", "", {"<｜User｜>", "<｜Assistant｜>", "<｜begin▁of▁sentence｜>"}}) ==
        "deepseek3");
  CHECK(name_of({"deepseek2", "", {"<｜begin▁of▁sentence｜>"}}) == "deepseek2");
  CHECK(name_of({"llama", "Llama-2 7B Chat", {}}) == "llama2");
  CHECK(name_of({"llama", "Mistral 7B Instruct v0.1", {}}) == "mistral");
  CHECK(name_of({"llama", "vicuna-7b-v1.5", {}}) == "vicuna");
  CHECK(name_of({"llama", "Zephyr 7B Beta", {}}) == "zephyr");
  CHECK(name_of({"falcon", "Falcon-7B-Instruct", {}}) == "falcon");
  CHECK(name_of({"llama", "Llama 2 7B", {"<s>", "</s>"}}) == "none");
  CHECK(name_of({"gpt2", "", {"<|endoftext|>"}}) == "none");
  CHECK(name_of({}) == "none");
}

TEST_CASE("what the formats look like") {
  struct Row {
    const char* name;
    const char* expected;
  };
  for (
      const auto& [name, expected] : std::initializer_list<Row>{
          {"chatml",
           "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nA<|im_end|>\n<|im_start|>"
           "assistant\nB"
           "<|im_end|>\n<|im_start|>user\nC<|im_end|>\n<|im_start|>assistant\n"},
          {"llama3",
           "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user"
           "<|end_header_id|>\n\nA<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nB<|"
           "eot_id|>"
           "<|start_header_id|>user<|end_header_id|>\n\nC<|eot_id|><|start_header_id|>assistant"
           "<|end_header_id|>\n\n"},
          {"llama2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nA [/INST] B </s><s>[INST] C [/INST]"},
          {"mistral", "<s>[INST] S\n\nA [/INST] B</s>[INST] C [/INST]"},
          {"mistral-v3", "<s>[INST]S\n\nA[/INST]B</s>[INST]C[/INST]"},
          {"mistral-v7", "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]A[/INST]B</s>[INST]C[/INST]"},
          {"gemma",
           "<s><start_of_turn>user\nS\n\nA<end_of_turn>\n<start_of_turn>model\nB<end_of_turn>\n"
           "<start_of_turn>user\nC<end_of_turn>\n<start_of_turn>model\n"},
          {"gemma4",
           "<s><|turn>system\nS<turn|>\n<|turn>user\nA<turn|>\n<|turn>model\nB<turn|>\n<|turn>"
           "user\nC"
           "<turn|>\n<|turn>model\n"},
          {"phi3",
           "<|system|>\nS<|end|>\n<|user|>\nA<|end|>\n<|assistant|>\nB<|end|>\n<|user|>\nC<|end|>\n"
           "<|assistant|>\n"},
          {"zephyr",
           "<|system|>\nS</s>\n<|user|>\nA</s>\n<|assistant|>\nB</s>\n<|user|>\nC</"
           "s>\n<|assistant|>\n"},
          {"tulu",
           "<s><|system|>\nS\n<|user|>\nA\n<|assistant|>\nB</s>\n<|user|>\nC\n<|assistant|>\n"},
          {"exaone",
           "[|system|]S[|endofturn|]\n[|user|]A\n[|assistant|]B[|endofturn|]\n[|user|]C\n"
           "[|assistant|]"},
          {"glm", "[gMASK]<sop><|system|>\nS<|user|>\nA<|assistant|>\nB<|user|>\nC<|assistant|>\n"},
          {"vicuna", "S\n\nUSER: A\nASSISTANT: B</s>\nUSER: C\nASSISTANT:"},
          {"alpaca",
           "S\n\n### Instruction:\nA\n\n### Response:\nB\n\n### Instruction:\nC\n\n### "
           "Response:\n"},
          {"deepseek3", "<s>S<｜User｜>A<｜Assistant｜>B</s><｜User｜>C<｜Assistant｜>"},
          {"deepseek2", "<s>S\n\nUser: A\n\nAssistant: B</s>User: C\n\nAssistant:"},
          {"granite",
           "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user"
           "<|end_of_role|>A<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>B<|end_of_"
           "text|>\n"
           "<|start_of_role|>user<|end_of_role|>C<|end_of_text|>\n<|start_of_role|>assistant"
           "<|end_of_role|>"},
          {"command-r",
           "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
           "<|USER_TOKEN|>A<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>B"
           "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>C<|END_OF_TURN_TOKEN|>"
           "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"},
      }) {
    CAPTURE(name);
    CHECK(rendered(name) == expected);
  }
}

TEST_CASE("every row can be reached, renders and has stops") {
  for (const PromptFormat& row : prompt_formats()) {
    CAPTURE(row.name);
    ModelSigns signs;
    if (!row.families.empty()) signs.architecture = row.families.front();
    for (const std::string_view part : row.names) signs.name += std::string(part) + " ";
    for (const std::string_view token : row.tokens) signs.special_tokens.emplace_back(token);
    CHECK(name_of(signs) == row.name);
    CHECK(!row.stops.empty());
    const std::string text = rendered(row.name);
    for (const char* piece : {"S", "A", "B", "C"}) CHECK(text.find(piece) != std::string::npos);
  }
}

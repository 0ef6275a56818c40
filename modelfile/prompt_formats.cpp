#include "modelfile/prompt_formats.h"

#include <algorithm>
#include <unordered_set>

namespace hearth::modelfile {
namespace {

// Turns of equal shape: an opening with the role, the text, a closing.
constexpr std::string_view chatml =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr std::string_view phi4 =
    "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor "
    "%}{% if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% endif %}";
constexpr std::string_view kimi =
    "{% for m in messages %}<|im_{{ m.role }}|>{{ m.role }}<|im_middle|>{{ m.content "
    "}}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_assistant|>assistant<|im_middle|>{% endif %}";
constexpr std::string_view llama3 =
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content|trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";
constexpr std::string_view llama4 =
    "{{ bos_token }}{% for m in messages %}<|header_start|>{{ m.role }}<|header_end|>\n\n"
    "{{ m.content|trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|header_start|>assistant<|header_end|>\n\n{% endif %}";
constexpr std::string_view harmony =
    "{% for m in messages %}<|start|>{{ m.role }}"
    "{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}";
constexpr std::string_view phi3 =
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view glm =
    "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view granite =
    "{% for m in messages %}<|start_of_role|>{{ m.role }}<|end_of_role|>{{ m.content }}"
    "<|end_of_text|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}";
constexpr std::string_view exaone =
    "{% for m in messages %}[|{{ m.role }}|]{{ m.content }}"
    "{% if m.role != 'user' %}[|endofturn|]{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}[|assistant|]{% endif %}";
constexpr std::string_view zephyr =
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view tulu =
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view command_r =
    "{{ bos_token }}{% for m in messages %}<|START_OF_TURN_TOKEN|>"
    "{% if m.role == 'system' %}<|SYSTEM_TOKEN|>"
    "{% elif m.role == 'user' %}<|USER_TOKEN|>{% else %}<|CHATBOT_TOKEN|>{% endif %}"
    "{{ m.content|trim }}<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}";
constexpr std::string_view bailing =
    "{% for m in messages %}<role>{% if m.role == 'system' %}SYSTEM"
    "{% elif m.role == 'user' %}HUMAN{% else %}ASSISTANT{% endif %}</role>{{ m.content }}"
    "{% endfor %}{% if add_generation_prompt %}<role>ASSISTANT</role>{% endif %}";
constexpr std::string_view gemma4 =
    "{{ bos_token }}{% for m in messages %}<|turn>"
    "{% if m.role == 'assistant' %}model{% else %}{{ m.role }}{% endif %}{{ '\\n' }}"
    "{{ m.content|trim }}<turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn>model\n{% endif %}";

// The system text stands in front of the first question.
constexpr std::string_view gemma =
    "{{ bos_token }}{% set ns = namespace(system='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.system = ns.system + m.content|trim + '\n\n' %}"
    "{% else %}<start_of_turn>{% if m.role == 'assistant' %}model{% else %}user{% endif %}{{ '\\n' "
    "}}"
    "{% if m.role == 'user' %}{{ ns.system }}{% set ns.system = '' %}{% endif %}"
    "{{ m.content|trim }}<end_of_turn>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";
constexpr std::string_view llama2 =
    "{% set ns = namespace(system='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' %}"
    "{% elif m.role == 'user' %}{{ bos_token }}[INST] {{ ns.system }}{% set ns.system = '' %}"
    "{{ m.content|trim }} [/INST]"
    "{% else %} {{ m.content|trim }} {{ eos_token }}{% endif %}{% endfor %}";
constexpr std::string_view mistral =
    "{{ bos_token }}{% set ns = namespace(system='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.system = m.content + '\n\n' %}"
    "{% elif m.role == 'user' %}[INST] {{ ns.system }}{% set ns.system = '' %}"
    "{{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
constexpr std::string_view mistral_tokens =
    "{{ bos_token }}{% set ns = namespace(system='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.system = m.content + '\n\n' %}"
    "{% elif m.role == 'user' %}[INST]{{ ns.system }}{% set ns.system = '' %}"
    "{{ m.content }}[/INST]"
    "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
constexpr std::string_view mistral_system =
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}[SYSTEM_PROMPT]{{ m.content }}[/SYSTEM_PROMPT]"
    "{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]"
    "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
constexpr std::string_view deepseek3 =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% else %}<｜Assistant｜>{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜>{% endif %}";
constexpr std::string_view hunyuan =
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}<｜hy_place▁holder▁no▁3｜>"
    "{% elif m.role == 'user' %}<｜hy_User｜>{{ m.content }}"
    "{% else %}<｜hy_Assistant｜>{{ m.content }}<｜hy_place▁holder▁no▁2｜>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜hy_Assistant｜>{% endif %}";

// Plain words in front of every turn.
constexpr std::string_view deepseek2 =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}User: {{ m.content }}\n\n"
    "{% else %}Assistant: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}";
constexpr std::string_view deepseek_coder =
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n"
    "{% elif m.role == 'user' %}### Instruction:\n{{ m.content }}\n"
    "{% else %}### Response:\n{{ m.content }}\n<|EOT|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}";
constexpr std::string_view alpaca =
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n"
    "{% else %}### Response:\n{{ m.content }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}";
constexpr std::string_view vicuna =
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}USER: {{ m.content }}\n"
    "{% else %}ASSISTANT: {{ m.content }}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}";
constexpr std::string_view solar =
    "{% for m in messages %}{% if m.role == 'system' %}### System:\n{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}### User:\n{{ m.content }}\n\n"
    "{% else %}### Assistant:\n{{ m.content }}{{ eos_token }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Assistant:\n{% endif %}";
constexpr std::string_view openchat =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
    "{% else %}GPT4 Correct {{ m.role|title }}: {{ m.content }}{% endif %}<|end_of_turn|>"
    "{% endfor %}{% if add_generation_prompt %}GPT4 Correct Assistant:{% endif %}";
constexpr std::string_view falcon =
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n"
    "{% elif m.role == 'user' %}User: {{ m.content }}\n"
    "{% else %}Assistant: {{ m.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}";
constexpr std::string_view ernie =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}\n"
    "{% elif m.role == 'user' %}User: {{ m.content }}\n"
    "{% else %}Assistant: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant: {% endif %}";
constexpr std::string_view grok =
    "{% for m in messages %}{% if m.role == 'system' %}System"
    "{% elif m.role == 'user' %}Human{% else %}Assistant{% endif %}: {{ m.content|trim }}"
    "<|separator|>\n\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}";

bool contains_all(const std::unordered_set<std::string_view>& present,
                  const std::vector<std::string_view>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](std::string_view token) { return present.count(token) > 0; });
}

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Recognised by special tokens; rows that ask for more stand first.
std::vector<PromptFormat> first_token_rows() {
  return {
      {"harmony",
       {},
       {},
       {"<|start|>", "<|message|>", "<|channel|>", "<|end|>"},
       harmony,
       {"<|return|>", "<|call|>"}},
      {"llama3",
       {},
       {},
       {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
       llama3,
       {"<|eot_id|>", "<|start_header_id|>"}},
      {"llama4", {}, {}, {"<|header_start|>", "<|header_end|>", "<|eot|>"}, llama4, {"<|eot|>"}},
      {"gemma4", {}, {}, {"<|turn>", "<turn|>"}, gemma4, {"<turn|>"}},
      {"gemma", {}, {}, {"<start_of_turn>", "<end_of_turn>"}, gemma, {"<end_of_turn>"}},
      {"phi4", {}, {}, {"<|im_start|>", "<|im_sep|>", "<|im_end|>"}, phi4, {"<|im_end|>"}},
      {"kimi", {}, {}, {"<|im_user|>", "<|im_middle|>", "<|im_end|>"}, kimi, {"<|im_end|>"}},
      {"chatml", {}, {}, {"<|im_start|>", "<|im_end|>"}, chatml, {"<|im_start|>", "<|im_end|>"}},
  };
}

std::vector<PromptFormat> more_token_rows() {
  return {
      {"glm",
       {},
       {},
       {"[gMASK]", "<sop>", "<|user|>", "<|assistant|>"},
       glm,
       {"<|user|>", "<|observation|>"}},
      {"phi3",
       {},
       {},
       {"<|user|>", "<|assistant|>", "<|end|>"},
       phi3,
       {"<|end|>", "<|user|>", "<|assistant|>"}},
      {"command-r",
       {},
       {},
       {"<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"},
       command_r,
       {"<|END_OF_TURN_TOKEN|>"}},
      {"granite",
       {},
       {},
       {"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"},
       granite,
       {"<|end_of_text|>", "<|start_of_role|>"}},
      {"deepseek3",
       {},
       {},
       {"<｜User｜>", "<｜Assistant｜>"},
       deepseek3,
       {"<｜User｜>", "<｜end▁of▁sentence｜>"}},
      {"deepseek-coder",
       {},
       {},
       {"<|EOT|>", "<｜begin▁of▁sentence｜>"},
       deepseek_coder,
       {"<|EOT|>", "### Instruction:"}},
      {"deepseek2",
       {"deepseek", "deepseek2", "llama"},
       {},
       {"<｜begin▁of▁sentence｜>"},
       deepseek2,
       {"User:", "<｜end▁of▁sentence｜>"}},
  };
}

std::vector<PromptFormat> last_token_rows() {
  return {
      {"hunyuan",
       {},
       {},
       {"<｜hy_User｜>", "<｜hy_Assistant｜>"},
       hunyuan,
       {"<｜hy_User｜>", "<｜hy_place▁holder▁no▁2｜>"}},
      {"mistral-v7",
       {},
       {},
       {"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
       mistral_system,
       {"[INST]"}},
      {"mistral-v3", {}, {}, {"[INST]", "[/INST]"}, mistral_tokens, {"[INST]", "[/INST]"}},
      {"exaone",
       {},
       {},
       {"[|user|]", "[|assistant|]", "[|endofturn|]"},
       exaone,
       {"[|endofturn|]", "[|user|]"}},
      {"bailing", {}, {}, {"<role>", "</role>"}, bailing, {"<role>"}},
      {"openchat", {}, {}, {"<|end_of_turn|>"}, openchat, {"<|end_of_turn|>"}},
      {"grok", {"grok"}, {}, {"<|separator|>"}, grok, {"<|separator|>"}},
      {"ernie", {"ernie4_5", "ernie4_5-moe"}, {}, {"<|begin_of_sentence|>"}, ernie, {"User:"}},
      {"zephyr", {}, {}, {"<|user|>", "<|assistant|>"}, zephyr, {"<|user|>", "<|assistant|>"}},
      {"zephyr", {}, {"zephyr"}, {}, zephyr, {"<|user|>", "<|assistant|>"}},
      {"zephyr", {}, {"tinyllama", "chat"}, {}, zephyr, {"<|user|>", "<|assistant|>"}},
      {"tulu", {}, {"tulu"}, {}, tulu, {"<|user|>"}},
      {"tulu", {"olmo2"}, {"instruct"}, {}, tulu, {"<|user|>"}},
  };
}

// Recognised by the name, where the vocabulary says nothing.
std::vector<PromptFormat> named_rows() {
  return {
      {"vicuna", {}, {"vicuna"}, {}, vicuna, {"USER:", "ASSISTANT:"}},
      {"alpaca", {}, {"alpaca"}, {}, alpaca, {"### Instruction:", "### Response:"}},
      {"solar", {}, {"solar", "instruct"}, {}, solar, {"### User:", "### System:"}},
      {"mistral", {"llama"}, {"mistral", "instruct"}, {}, mistral, {"[INST]", "[/INST]"}},
      {"mistral", {"llama"}, {"mixtral", "instruct"}, {}, mistral, {"[INST]", "[/INST]"}},
      {"llama2", {"llama"}, {"llama", "2", "chat"}, {}, llama2, {"[INST]", "[/INST]"}},
      {"llama2", {"llama"}, {"codellama", "instruct"}, {}, llama2, {"[INST]", "[/INST]"}},
      {"falcon", {"falcon"}, {"instruct"}, {}, falcon, {"User:", "Assistant:"}},
      {"starcoder2", {"starcoder2"}, {"instruct"}, {}, alpaca, {"### Instruction", "### Response"}},
  };
}

const std::vector<PromptFormat>& table() {
  static const std::vector<PromptFormat> rows = [] {
    std::vector<PromptFormat> all = first_token_rows();
    for (const auto& more : {more_token_rows(), last_token_rows(), named_rows()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return rows;
}

}  // namespace

std::span<const PromptFormat> prompt_formats() {
  return table();
}

const PromptFormat* recognise_prompt_format(const ModelSigns& signs) {
  const std::unordered_set<std::string_view> present(signs.special_tokens.begin(),
                                                     signs.special_tokens.end());
  const std::string name = lower_ascii(signs.name);
  for (const PromptFormat& row : table()) {
    const bool fits_family =
        row.families.empty() || std::find(row.families.begin(), row.families.end(),
                                          signs.architecture) != row.families.end();
    const bool fits_name =
        std::all_of(row.names.begin(), row.names.end(),
                    [&](std::string_view part) { return name.find(part) != std::string::npos; });
    if (fits_family && fits_name && contains_all(present, row.tokens)) return &row;
  }
  return nullptr;
}

}  // namespace hearth::modelfile

#include "daemon/prompt_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/digest.h"
#include "base/error.h"
#include "daemon/answer_constraint.h"
#include "daemon/template_choice.h"

namespace hearth::daemon {
namespace {

using modelfile::Parameters;

TemplateChoice choose(const api::ChatRequest& request, const RunnableModel& model,
                      const PromptDefaults& defaults) {
  const WeightsFacts& facts = *model.facts;
  TemplateOffer offer;
  offer.model = model.name;
  offer.architecture = facts.info.architecture;
  offer.requested = request.template_text;
  offer.stored = model.template_text;
  offer.in_file = facts.chat_template ? &*facts.chat_template : nullptr;
  offer.file_problem = facts.template_problem;
  if (facts.family) offer.family = facts.family->name;
  offer.has_renderer = model.has_renderer;
  offer.prefers_stored = defaults.prefers_stored_template;
  return choose_template(offer);
}

// The model's history and system text, as far as the request does not bring its own.
std::vector<api::Message> all_messages(const api::ChatRequest& request,
                                       const RunnableModel& model) {
  std::vector<api::Message> messages;
  const bool has_system = !request.messages.empty() && request.messages.front().role == "system";
  if (!has_system && !model.system.empty()) {
    api::Message& system = messages.emplace_back();
    system.role = "system";
    system.content = model.system;
  }
  if (request.context_tokens.empty())
    messages.insert(messages.end(), model.messages.begin(), model.messages.end());
  messages.insert(messages.end(), request.messages.begin(), request.messages.end());
  return messages;
}

engine::PromptPart text_part(std::string text, bool is_trusted) {
  engine::PromptPart part;
  part.text = std::move(text);
  part.is_trusted = is_trusted;
  return part;
}

// Models without a template continue the text they are given.
std::vector<engine::PromptPart> plain_prompt(const std::vector<api::Message>& messages) {
  std::string text;
  for (const api::Message& message : messages) {
    if (!text.empty()) text += "\n";
    text += message.content;
  }
  return {text_part(std::move(text), false)};
}

// Families whose Go templates count on earlier thoughts being gone.
bool forgets_thoughts(const RunnableModel& model) {
  return model.facts->info.architecture.starts_with("qwen3") ||
         model.name.find("deepseek-r1") != std::string::npos;
}

// Without <think> ... </think> at the start of answers to earlier questions.
void forget_thoughts(std::vector<api::Message>& messages) {
  constexpr std::string_view close = "</think>";
  const auto last_question =
      std::find_if(messages.rbegin(), messages.rend(),
                   [](const auto& message) { return message.role == "user"; });
  for (auto message = last_question; message != messages.rend(); ++message) {
    const size_t end = message->content.find(close);
    if (message->role != "assistant" || !message->content.starts_with("<think>") ||
        end == std::string::npos)
      continue;
    const size_t text = message->content.find_first_not_of(" \t\r\n", end + close.size());
    message->content.erase(0, text);
  }
}

std::vector<engine::PromptPart> render(const modelfile::Template& chat_template,
                                       const api::ChatRequest& request, const RunnableModel& model,
                                       std::vector<api::Message> messages) {
  modelfile::RenderContext context;
  context.messages = std::move(messages);
  // Behind the tokens of an earlier reply the text does not begin anew.
  if (request.context_tokens.empty()) context.bos_token = model.facts->info.bos_token;
  context.eos_token = model.facts->info.eos_token;
  context.tools = request.tools;
  const bool knows_thoughts = chat_template.traits().has_thinking;
  if (knows_thoughts || (request.think && !request.is_think_optional)) {
    context.enable_thinking = !request.think || request.think->is_on;
    if (request.think) context.reasoning_effort = request.think->level;
  }
  context.suffix = request.suffix.value_or("");
  context.variables = request.template_variables;
  if (chat_template.traits().language == modelfile::TemplateLanguage::go && forgets_thoughts(model))
    forget_thoughts(context.messages);
  std::vector<engine::PromptPart> parts;
  for (modelfile::RenderedPart& part : chat_template.render(context)) {
    parts.push_back(text_part(std::move(part.text), part.is_trusted));
  }
  return parts;
}

void check_tools(const api::ChatRequest& request, const RunnableModel& model,
                 const std::optional<modelfile::Template>& chosen) {
  if (request.tools.empty() || (chosen && chosen->traits().has_tools)) return;
  throw Error(
      ErrorCode::unsupported,
      fmt::format("\"{}\" does not support tools: its template does not mention them", model.name));
}

void check_thinking(const api::ChatRequest& request, const RunnableModel& model,
                    const std::optional<modelfile::Template>& chosen) {
  const bool can_think = chosen && chosen->traits().has_thinking;
  if (can_think || request.is_think_optional || !request.think || !request.think->is_on) return;
  throw Error(ErrorCode::unsupported,
              fmt::format("\"{}\" does not support thinking; leave \"think\" out or send false",
                          model.name));
}

bool ends_with(std::span<const engine::PromptPart> prompt, std::string_view tag) {
  if (prompt.empty() || tag.empty()) return false;
  const std::string_view text = prompt.back().text;
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1).ends_with(tag);
}

// How this model writes thoughts and calls; without tools in the request none are looked for. The
// parser that the model's maker named says it better than what a template shows, but for thoughts
// that the template itself begins.
modelfile::ReplyStyle reply_style(const api::ChatRequest& request, const std::string& parser,
                                  const modelfile::Template& chosen,
                                  std::span<const engine::PromptPart> prompt) {
  modelfile::ReplyStyle style;
  style.thinking_open = chosen.traits().thinking_open;
  style.thinking_close = chosen.traits().thinking_close;
  if (style.thinking_open.empty()) {
    modelfile::ThinkingTags tags = modelfile::thinking_tags_of_parser(parser);
    style.thinking_open = std::move(tags.open);
    style.thinking_close = std::move(tags.close);
  }
  style.starts_in_thinking = ends_with(prompt, style.thinking_open);
  style.keeps_thinking = !request.think || request.think->is_on;
  style.call_style = chosen.traits().call_style;
  style.tool_tag = chosen.traits().tool_call_tag;
  if (const std::string named = modelfile::call_style_of_parser(parser); !named.empty()) {
    style.call_style = named;
    style.tool_tag = modelfile::tool_tag_of_style(named);
  }
  style.tools = request.tools;
  return style;
}

void check_suffix(const RunnableModel& model, const TemplateChoice& choice) {
  if (choice.chosen && choice.chosen->traits().has_suffix) return;
  throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not support insert", model.name));
}

std::vector<engine::PromptPart> raw_prompt(const api::ChatRequest& request) {
  std::vector<engine::PromptPart> parts;
  if (!request.context_tokens.empty()) parts.emplace_back().tokens = request.context_tokens;
  if (parts.empty() || !request.raw_prompt->empty())
    parts.push_back(text_part(*request.raw_prompt, true));
  return parts;
}

std::vector<engine::PromptPart> build_prompt(const api::ChatRequest& request,
                                             const RunnableModel& model,
                                             const TemplateChoice& choice) {
  std::vector<api::Message> messages = all_messages(request, model);
  if (request.raw_prompt) {  // with a suffix
    api::Message& question = messages.emplace_back();
    question.role = "user";
    question.content = *request.raw_prompt;
  }
  std::vector<engine::PromptPart> parts =
      choice.chosen ? render(*choice.chosen, request, model, std::move(messages))
                    : plain_prompt(messages);
  if (request.context_tokens.empty()) return parts;
  engine::PromptPart earlier;
  earlier.tokens = request.context_tokens;
  parts.insert(parts.begin(), std::move(earlier));
  return parts;
}

// The request's, else the model's, else those of the format that the model was recognised by.
std::vector<std::string> stop_strings(const Parameters& parameters, const RunnableModel& model,
                                      const TemplateChoice& choice) {
  if (parameters.stop && !parameters.stop->empty()) return *parameters.stop;
  if (!model.facts->family || !choice.source.starts_with("family")) return {};
  const auto& stops = model.facts->family->stops;
  return {stops.begin(), stops.end()};
}

Parameters merge_parameters(const api::ChatRequest& request, const RunnableModel& model) {
  Parameters base = modelfile::default_parameters();
  if (request.uses_openai_defaults) {
    base.temperature = 1.0f;
    base.top_p = 1.0f;
  }
  return modelfile::merge(modelfile::merge(base, model.parameters), request.options);
}

engine::SamplingOptions sampling_options(const Parameters& parameters,
                                         std::span<const api::TokenBias> biases) {
  engine::SamplingOptions options;
  const auto set = [](auto& field, const auto& value) {
    if (value) field = static_cast<std::decay_t<decltype(field)>>(*value);
  };
  set(options.temperature, parameters.temperature);
  set(options.top_k, parameters.top_k);
  set(options.top_p, parameters.top_p);
  set(options.min_p, parameters.min_p);
  set(options.typical_p, parameters.typical_p);
  set(options.top_n_sigma, parameters.top_n_sigma);
  set(options.xtc_probability, parameters.xtc_probability);
  set(options.xtc_threshold, parameters.xtc_threshold);
  set(options.dynatemp_range, parameters.dynatemp_range);
  set(options.dynatemp_exponent, parameters.dynatemp_exponent);
  set(options.dry_multiplier, parameters.dry_multiplier);
  set(options.dry_base, parameters.dry_base);
  set(options.dry_allowed_length, parameters.dry_allowed_length);
  set(options.dry_penalty_last_n, parameters.dry_penalty_last_n);
  set(options.repeat_penalty, parameters.repeat_penalty);
  set(options.repeat_last_n, parameters.repeat_last_n);
  set(options.presence_penalty, parameters.presence_penalty);
  set(options.frequency_penalty, parameters.frequency_penalty);
  set(options.seed, parameters.seed);
  for (const api::TokenBias& bias : biases) {
    const bool is_forbidden = bias.bias <= -100;
    options.logit_bias.push_back(
        {bias.token, is_forbidden ? -std::numeric_limits<float>::infinity() : bias.bias});
  }
  return options;
}

}  // namespace

PreparedRequest prepare(const api::ChatRequest& request, const RunnableModel& model,
                        const PromptDefaults& defaults) {
  if (model.facts->info.is_embedding) {
    throw Error(ErrorCode::unsupported, fmt::format("\"{}\" does not support {}", model.name,
                                                    to_string(request.operation)));
  }
  TemplateChoice choice;
  if (!request.raw_prompt || request.suffix) choice = choose(request, model, defaults);
  if (request.suffix) check_suffix(model, choice);
  const Parameters parameters = merge_parameters(request, model);
  PreparedRequest prepared;
  engine::GenerationRequest& generation = prepared.generation;
  if (request.raw_prompt && !request.suffix) {
    generation.prompt = raw_prompt(request);
  } else {
    check_tools(request, model, choice.chosen);
    check_thinking(request, model, choice.chosen);
    generation.prompt = build_prompt(request, model, choice);
    if (choice.chosen) {
      prepared.reply = reply_style(request, model.parser, *choice.chosen, generation.prompt);
      generation.shown_tokens = modelfile::markers(prepared.reply);
    }
  }
  generation.constraint = answer_constraint(request, prepared.reply);
  generation.sampling = sampling_options(parameters, request.logit_bias);
  generation.sampling.logprobs = request.top_log_probs.value_or(-1);
  generation.tokens_max = parameters.num_predict.value_or(-1);
  generation.stop = stop_strings(parameters, model, choice);
  const int64_t own = model.facts->info.context_length;
  if (own > 0 && request.options.num_ctx.value_or(0) > own) {
    prepared.warnings.push_back(
        fmt::format("num_ctx {}: this model has {}", *request.options.num_ctx, own));
  }
  generation.context_tokens = parameters.num_ctx.value_or(defaults.context_tokens);
  generation.truncate = request.truncate || defaults.truncates;
  generation.shift = request.shifts || defaults.truncates;
  generation.keep_tokens = static_cast<int32_t>(parameters.num_keep.value_or(4));
  generation.return_tokens = request.returns_context;
  generation.guesses_max = static_cast<int32_t>(parameters.draft_num_predict.value_or(-1));
  return prepared;
}

std::string fingerprint(const engine::GenerationRequest& request, const std::string& weights_key) {
  Sha256 hash;
  const auto add = [&hash](std::string_view text) {
    hash.update(std::as_bytes(std::span(text.data(), text.size())));
  };
  add(weights_key);
  for (const engine::PromptPart& part : request.prompt) {
    add(part.is_trusted ? "t" : "u");
    add(part.text);
    hash.update(std::as_bytes(std::span(part.tokens)));
  }
  return hash.finish_hex();
}

}  // namespace hearth::daemon

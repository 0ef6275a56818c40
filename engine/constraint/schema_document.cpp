#include "engine/constraint/schema_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr int32_t depth_max = 200;

// Keywords that are bound, or that say nothing about which values are valid.
constexpr std::string_view known_keywords[] = {"$anchor",
                                               "$comment",
                                               "$defs",
                                               "$id",
                                               "$ref",
                                               "$schema",
                                               "$vocabulary",
                                               "additionalItems",
                                               "additionalProperties",
                                               "allOf",
                                               "anyOf",
                                               "const",
                                               "contentEncoding",
                                               "contentMediaType",
                                               "contentSchema",
                                               "default",
                                               "definitions",
                                               "deprecated",
                                               "description",
                                               "discriminator",
                                               "enum",
                                               "enumDescriptions",
                                               "errorMessage",
                                               "example",
                                               "examples",
                                               "exclusiveMaximum",
                                               "exclusiveMinimum",
                                               "externalDocs",
                                               "format",
                                               "id",
                                               "items",
                                               "markdownDescription",
                                               "maxItems",
                                               "maxLength",
                                               "maxProperties",
                                               "maximum",
                                               "minItems",
                                               "minLength",
                                               "minProperties",
                                               "minimum",
                                               "multipleOf",
                                               "name",
                                               "nullable",
                                               "oneOf",
                                               "pattern",
                                               "patternProperties",
                                               "prefixItems",
                                               "properties",
                                               "propertyNames",
                                               "propertyOrdering",
                                               "readOnly",
                                               "required",
                                               "strict",
                                               "title",
                                               "type",
                                               "uniqueItems",
                                               "writeOnly",
                                               "xml"};

struct UnboundKeyword {
  std::string_view name;
  uint32_t types;  // of values that it is about
};
constexpr UnboundKeyword unbound_keywords[] = {
    {"not", type_any},
    {"if", type_any},
    {"then", 0},  // without `if` it says nothing
    {"else", 0},
    {"contains", type_array},
    {"minContains", 0},  // without `contains` it says nothing
    {"maxContains", 0},
    {"unevaluatedItems", type_array},
    {"unevaluatedProperties", type_object},
    {"dependentRequired", type_object},
    {"dependentSchemas", type_object},
    {"dependencies", type_object},
    {"$dynamicRef", type_any},
    {"$dynamicAnchor", 0},
    {"$recursiveRef", type_any},
    {"$recursiveAnchor", 0},
};

void check_depth(std::string_view text) {
  int32_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
    if (depth > depth_max) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("the schema is nested more than {} levels", depth_max));
    }
  }
}

// %XX of a URI fragment, then ~0 and ~1 of a JSON pointer.
std::string unescaped(std::string_view token) {
  std::string plain;
  for (size_t i = 0; i < token.size(); ++i) {
    uint8_t value = 0;
    if (token[i] == '%' && i + 2 < token.size() &&
        std::from_chars(token.data() + i + 1, token.data() + i + 3, value, 16).ptr ==
            token.data() + i + 3) {
      plain += static_cast<char>(value);
      i += 2;
    } else {
      plain += token[i];
    }
  }
  std::string name;
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == '~' && i + 1 < plain.size() && (plain[i + 1] == '0' || plain[i + 1] == '1')) {
      name += plain[++i] == '0' ? '~' : '/';
    } else {
      name += plain[i];
    }
  }
  return name;
}

}  // namespace

SchemaDocument::SchemaDocument(std::string_view text, bool is_best_effort,
                               std::vector<std::string>& warnings)
    : is_best_effort_(is_best_effort), warnings_(warnings) {
  check_depth(text);
  try {
    root_ = SchemaJson::parse(text);
  } catch (const SchemaJson::exception& error) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the schema is not JSON: {}", error.what()));
  }
  find_places();
}

void SchemaDocument::find_places() {
  std::vector<std::pair<const SchemaJson*, Place>> waiting{{&root_, {}}};
  while (!waiting.empty()) {
    auto [json, place] = waiting.back();
    waiting.pop_back();
    place.order = static_cast<uint32_t>(places_.size());
    places_.emplace(json, place);
    if (json->is_object()) {
      const auto anchor = json->find("$anchor");
      if (anchor != json->end() && anchor->is_string())
        anchors_.emplace(anchor->get<std::string>(), json);
    }
    if (!json->is_structured()) continue;
    const size_t begin = waiting.size();
    uint32_t index = 0;
    for (const SchemaJson& item : *json) {
      if (item.is_structured() || item.is_boolean()) waiting.push_back({&item, {json, index, 0}});
      ++index;
    }
    std::reverse(waiting.begin() + static_cast<ptrdiff_t>(begin), waiting.end());
  }
}

std::string SchemaDocument::path_of(const SchemaJson& schema) const {
  std::vector<std::string> parts;
  for (const SchemaJson* at = &schema; at != &root_;) {
    const Place& place = places_.find(at)->second;
    const SchemaJson& parent = *place.parent;
    parts.push_back(parent.is_array()
                        ? std::to_string(place.index)
                        : escaped_pointer(std::next(parent.begin(), place.index).key()));
    at = place.parent;
  }
  std::string path = "#";
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) path += "/" + *part;
  return path;
}

void SchemaDocument::refuse(const std::string& path, std::string_view what) {
  const std::string message = fmt::format("schema, {}: {}", path, what);
  if (!is_best_effort_)
    throw Error(ErrorCode::unsupported, message + "; best effort would leave it out");
  if (std::find(warnings_.begin(), warnings_.end(), message) == warnings_.end())
    warnings_.push_back(message);
}

void SchemaDocument::check_keywords(const SchemaJson& schema, uint32_t types) {
  for (const auto& item : schema.items()) {
    const std::string& name = item.key();
    const auto is_known = [&name](std::string_view known) { return known == name; };
    const auto at = [&] { return fmt::format("{}/{}", path_of(schema), escaped_pointer(name)); };
    const auto unbound = std::find_if(std::begin(unbound_keywords), std::end(unbound_keywords),
                                      [&](const UnboundKeyword& k) { return k.name == name; });
    if (unbound != std::end(unbound_keywords)) {
      const bool allows_all = name.starts_with("unevaluated") && item.value() == true;
      if ((unbound->types & types) != 0 && !allows_all)
        refuse(at(), fmt::format("\"{}\" cannot be bound by a grammar", name));
    } else if (name == "$id" && &schema != &root_) {
      refuse(at(), "a schema with an identity of its own inside another one");
    } else if (!name.starts_with("x-") &&
               std::none_of(std::begin(known_keywords), std::end(known_keywords), is_known)) {
      refuse(at(), fmt::format("\"{}\" is not a known keyword", name));
    }
  }
}

const SchemaJson* SchemaDocument::follow(std::string_view pointer, const std::string& path) {
  const SchemaJson* at = &root_;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    const std::string name = unescaped(token);
    if (at != &root_ && at->is_object() && at->contains("$id"))
      refuse(path, "a reference into a schema with an identity of its own");
    if (at->is_object()) {
      const auto place = at->find(name);
      if (place == at->end()) return nullptr;
      at = &*place;
    } else if (at->is_array()) {
      size_t index = 0;
      const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (problem != std::errc() || end != name.data() + name.size() || index >= at->size())
        return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

const SchemaJson* SchemaDocument::resolve(const SchemaJson& reference, const std::string& path) {
  if (!reference.is_string()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("schema, {}: expected a reference", path));
  }
  std::string_view text = reference.get_ref<const std::string&>();
  const size_t hash = std::min(text.find('#'), text.size());
  const std::string_view base = text.substr(0, hash);
  std::string_view fragment = text.substr(std::min(hash + 1, text.size()));
  const auto id = root_.is_object() ? root_.find("$id") : root_.end();
  const bool is_here = base.empty() || (root_.is_object() && id != root_.end() && *id == base);
  if (!is_here) {
    refuse(path, fmt::format("\"{}\" leads out of the schema: nothing is fetched", text));
    return nullptr;
  }
  const SchemaJson* found = nullptr;
  if (fragment.empty() || fragment.front() == '/') {
    found = follow(fragment, path);
  } else if (const auto anchor = anchors_.find(std::string(fragment)); anchor != anchors_.end()) {
    found = anchor->second;
  }
  if (found == nullptr || !(found->is_object() || found->is_boolean())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("schema, {}: there is no schema at \"{}\"", path, text));
  }
  return found;
}

}  // namespace hearth::engine

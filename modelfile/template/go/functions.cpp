#include "modelfile/template/go/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "modelfile/template/jinja/format.h"

namespace hearth::modelfile::go {
namespace {

void expect_count(const Call& call, std::string_view name, size_t low, size_t high) {
  const size_t count = call.arguments.size();
  if (count >= low && count <= high) return;
  const std::string wanted = low == high ? fmt::format("{}", low) : fmt::format("at least {}", low);
  fail(fmt::format("wrong number of arguments for {}: want {} got {}", name, wanted, count));
}

constexpr size_t any_count = 1000;

Value comparison(Call& call, std::string_view name, Comparison kind, bool swaps, bool negates) {
  expect_count(call, name, 2, 2);
  const Value& a = call.arguments[swaps ? 1 : 0];
  const Value& b = call.arguments[swaps ? 0 : 1];
  return boolean(compare(kind, a, b) != negates);
}

// eq a b c: whether a equals any of the others.
Value eq(Call& call) {
  if (call.arguments.size() < 2) fail("missing argument for comparison");
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    if (compare(Comparison::eq, call.arguments[0], call.arguments[i])) return boolean(true);
  }
  return boolean(false);
}
Value ne(Call& call) {
  return comparison(call, "ne", Comparison::eq, false, true);
}
Value lt(Call& call) {
  return comparison(call, "lt", Comparison::lt, false, false);
}
Value le(Call& call) {
  return comparison(call, "le", Comparison::lt, true, true);
}
Value gt(Call& call) {
  return comparison(call, "gt", Comparison::lt, true, false);
}
Value ge(Call& call) {
  return comparison(call, "ge", Comparison::lt, false, true);
}

Value negate(Call& call) {
  expect_count(call, "not", 1, 1);
  return boolean(!is_true(call.arguments[0]));
}

Value len(Call& call) {
  expect_count(call, "len", 1, 1);
  const Value& value = call.arguments[0];
  if (const MarkedText* text = value.text()) return integer(static_cast<int64_t>(text->size()));
  if (value.is<ListView>()) return integer(static_cast<int64_t>(value.items().size()));
  if (const Map* map = value.map(); map && map->kind != MapKind::structure)
    return integer(static_cast<int64_t>(map->entries.size()));
  if (value.is_absent()) fail("len of nil pointer");
  fail(fmt::format("len of type {}", type_name(value)));
}

size_t checked_index(const Value& index, size_t size_max) {
  const int64_t* number = index.as<int64_t>();
  if (!number) fail(fmt::format("cannot index slice/array with type {}", type_name(index)));
  if (*number < 0 || static_cast<uint64_t>(*number) > size_max)
    fail(fmt::format("index out of range: {}", *number));
  return static_cast<size_t>(*number);
}

Value index_once(const Value& item, const Value& index) {
  if (item.is_absent()) fail("index of untyped nil");
  if (const Map* map = item.map(); map && map->kind != MapKind::structure) {
    if (!index.text()) fail(fmt::format("value has type {}; should be string", type_name(index)));
    const Value* found = map->find(index.text()->bytes());
    return found ? *found : Value{Nil{}};
  }
  const MarkedText* text = item.text();
  if (!text && !item.is<ListView>())
    fail(fmt::format("can't index item of type {}", type_name(item)));
  const size_t size = text ? text->size() : item.items().size();
  const size_t at = checked_index(index, size);
  if (at == size) fail(fmt::format("index out of range: {}", at));
  if (text) return integer(static_cast<unsigned char>(text->bytes()[at]));
  return item.items()[at];
}

Value index(Call& call) {
  expect_count(call, "index", 1, any_count);
  Value item = call.arguments[0];
  for (size_t i = 1; i < call.arguments.size(); ++i) item = index_once(item, call.arguments[i]);
  return item;
}

// Bytes of a string are counted, but a character is never cut in two.
size_t character_start(const std::string& bytes, size_t offset) {
  while (offset > 0 && offset < bytes.size() &&
         (static_cast<unsigned char>(bytes[offset]) & 0xC0) == 0x80)
    --offset;
  return offset;
}

Value slice(Call& call) {
  expect_count(call, "slice", 1, 4);
  const Value& item = call.arguments[0];
  if (item.is_absent()) fail("slice of untyped nil");
  const MarkedText* text = item.text();
  const ListView* view = item.as<ListView>();
  if (!text && !view) fail(fmt::format("can't slice item of type {}", type_name(item)));
  if (text && call.arguments.size() > 3) fail("cannot 3-index slice a string");
  const size_t size = text ? text->size() : view->count;
  const auto bound = [&](size_t argument, size_t usual) {
    return call.arguments.size() > argument ? checked_index(call.arguments[argument], size) : usual;
  };
  const size_t first = bound(1, 0);
  const size_t last = bound(2, size);
  bound(3, size);
  if (first > last) fail(fmt::format("invalid slice index: {} > {}", first, last));
  if (view) return {ListView{view->list, view->first + first, last - first}};
  const size_t begin = character_start(text->bytes(), first);
  const size_t end = character_start(text->bytes(), last);
  return call.heap.string(text->slice(begin, end - begin));
}

// Sprint puts a space between two operands neither of which is a string, Sprintln between all.
Value print_all(Call& call, bool is_line) {
  Budget& budget = call.heap.budget();
  MarkedText out;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const bool has_text = i > 0 && (call.arguments[i].text() || call.arguments[i - 1].text());
    if (i > 0 && (is_line || !has_text)) out.append(" ", true);
    out.append(print_value(call.arguments[i], budget));
    budget.check_text_size(out.size());
  }
  if (is_line) out.append("\n", true);
  return call.heap.string(std::move(out));
}
Value print(Call& call) {
  return print_all(call, false);
}
Value println(Call& call) {
  return print_all(call, true);
}

Value printf(Call& call) {
  expect_count(call, "printf", 1, any_count);
  const MarkedText* text = call.arguments[0].text();
  if (!text)
    fail(
        fmt::format("wrong type for value; expected string; got {}", type_name(call.arguments[0])));
  const std::vector<Value> rest(call.arguments.begin() + 1, call.arguments.end());
  return call.heap.string(format(*text, rest, call.heap.budget()));
}

MarkedText joined_text(Call& call) {
  if (call.arguments.size() == 1) return print_value(call.arguments[0], call.heap.budget());
  return *print_all(call, false).text();
}

Value html(Call& call) {
  return call.heap.string(jinja::escape_html(joined_text(call)));
}

Value js(Call& call) {
  return call.heap.string(joined_text(call).mapped([](std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\\' || c == '\'' || c == '"') {
        out += '\\';
        out += c;
      } else if (c == '<' || c == '>' || c == '&' || c == '=' || byte < 0x20) {
        out += fmt::format("\\u{:04X}", static_cast<unsigned>(byte));
      } else {
        out += c;
      }
    }
    return out;
  }));
}

Value urlquery(Call& call) {
  return call.heap.string(joined_text(call).mapped([](std::string_view bytes) {
    static constexpr std::string_view plain = "-_.~";
    std::string out;
    for (const char c : bytes) {
      const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || plain.find(c) != std::string_view::npos;
      if (is_plain)
        out += c;
      else if (c == ' ')
        out += '+';
      else
        out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
  }));
}

Value call_value(Call&) {
  fail("call needs a function, and templates are given none");
}

Value json(Call& call) {
  expect_count(call, "json", 1, 1);
  return call.heap.string(json_text(call.arguments[0], call.heap.budget()));
}

Value date(Call& call, std::chrono::hours offset) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(call.now + offset);
  std::tm local{};
  localtime_r(&seconds, &local);
  char buffer[64];
  const size_t size = std::strftime(buffer, sizeof(buffer), "%Y-%m-%d", &local);
  return literal(std::string_view(buffer, size));
}
Value current_date(Call& call) {
  return date(call, std::chrono::hours(0));
}
Value yesterday_date(Call& call) {
  return date(call, std::chrono::hours(-24));
}

std::string_view type_script_word(std::string_view type) {
  static const std::map<std::string_view, std::string_view> words{
      {"string", "string"},   {"number", "number"}, {"integer", "number"},
      {"boolean", "boolean"}, {"array", "any[]"},   {"object", "Record<string, any>"},
      {"null", "null"}};
  const auto found = words.find(type);
  return found == words.end() ? "any" : found->second;
}

// Every type once, in order, joined with " | ". `depth` bounds anyOf inside of anyOf.
void add_type_script(const Value& property, std::vector<std::string_view>& types, int depth) {
  const auto add = [&types](std::string_view word) {
    if (std::find(types.begin(), types.end(), word) == types.end()) types.push_back(word);
  };
  const Map* map = property.map();
  if (!map || depth > 20) return add("any");
  const Value* any_of = map->find("AnyOf");
  if (any_of && !any_of->items().empty()) {
    for (const Value& choice : any_of->items()) add_type_script(choice, types, depth + 1);
    return;
  }
  const Value* type = map->find("Type");
  if (type && type->text() && !type->text()->is_empty())
    return add(type_script_word(type->text()->bytes()));
  if (!type || type->items().empty()) return add("any");
  for (const Value& item : type->items())
    add(item.text() ? type_script_word(item.text()->bytes()) : "any");
}

Value to_type_script_type(Call& call) {
  expect_count(call, "toTypeScriptType", 1, 1);
  std::vector<std::string_view> types;
  add_type_script(call.arguments[0], types, 0);
  std::string joined;
  for (const std::string_view type : types) {
    if (!joined.empty()) joined += " | ";
    joined += type;
  }
  return literal(joined);
}

const std::map<std::string_view, Function>& functions() {
  static const std::map<std::string_view, Function> table{
      {"and", nullptr},
      {"call", call_value},
      {"currentDate", current_date},
      {"eq", eq},
      {"ge", ge},
      {"gt", gt},
      {"html", html},
      {"index", index},
      {"js", js},
      {"json", json},
      {"le", le},
      {"len", len},
      {"lt", lt},
      {"ne", ne},
      {"not", negate},
      {"or", nullptr},
      {"print", print},
      {"printf", printf},
      {"println", println},
      {"slice", slice},
      {"toTypeScriptType", to_type_script_type},
      {"urlquery", urlquery},
      {"yesterdayDate", yesterday_date},
  };
  return table;
}

}  // namespace

bool is_function(std::string_view name) {
  return functions().count(name) > 0;
}

Function find_function(std::string_view name) {
  const auto found = functions().find(name);
  return found == functions().end() ? nullptr : found->second;
}

}  // namespace hearth::modelfile::go

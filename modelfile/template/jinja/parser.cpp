// Recursive descent over the tokens, with Jinja's precedences. Nesting is bounded: a hostile
// template cannot exhaust the stack, neither here nor when its tree is walked.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "base/error.h"
#include "modelfile/template/jinja/ast.h"
#include "modelfile/template/jinja/lexer.h"

namespace hearth::modelfile::jinja {
namespace {

constexpr int nesting_max = 100;
constexpr int height_max = 500;

StringRef literal(std::string text) {
  return std::make_shared<const String>(MarkedText(std::move(text), true), false, nullptr);
}

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)) {
    program_.caller_symbol = symbol("caller");
    program_.varargs_symbol = symbol("varargs");
    program_.kwargs_symbol = symbol("kwargs");
    program_.loop_symbol = symbol("loop");
  }

  Program parse() {
    program_.body = parse_block({});
    if (peek().kind != TokenKind::end) fail_here("unexpected tag");
    return std::move(program_);
  }

 private:
  // Counts nesting while it lives.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) { parser_.enter(); }
    ~Nested() { --parser_.nesting_; }

   private:
    Parser& parser_;
  };

  void enter() {
    if (++nesting_ > nesting_max) fail_here("nested too deeply");
  }

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  Token next() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool is_op(std::string_view op, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::op && peek(ahead).text == op;
  }
  bool is_name(std::string_view name, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::name && peek(ahead).text == name;
  }
  bool skip_op(std::string_view op) { return is_op(op) && (next(), true); }
  bool skip_name(std::string_view name) { return is_name(name) && (next(), true); }

  [[noreturn]] void fail_here(std::string_view reason) const {
    const Token& token = peek();
    const bool has_text = !token.text.empty() && token.kind != TokenKind::data;
    fail_at(token.line,
            has_text ? fmt::format("{}, found '{}'", reason, token.text) : std::string(reason));
  }
  void expect_op(std::string_view op) {
    if (!skip_op(op)) fail_here(fmt::format("expected '{}'", op));
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) fail_here(fmt::format("expected '{}'", name));
  }
  void expect_block_end() {
    if (peek().kind != TokenKind::block_end) fail_here("expected the end of the tag");
    next();
  }
  std::string take_name() {
    if (peek().kind != TokenKind::name) fail_here("expected a name");
    return next().text;
  }

  int symbol(const std::string& name) {
    const auto [entry, is_new] = symbols_.emplace(name, static_cast<int>(symbols_.size()));
    if (is_new) program_.symbols.push_back(name);
    return entry->second;
  }

  ExpressionPtr make(ExpressionKind kind, int line) const {
    auto node = std::make_unique<Expression>();
    node->kind = kind;
    node->line = line;
    return node;
  }

  // Takes children and arguments into the height; every composed node passes here.
  ExpressionPtr finish(ExpressionPtr node) const {
    const auto grow = [&](const ExpressionPtr& child) {
      if (child) node->height = std::max(node->height, child->height + 1);
    };
    for (const ExpressionPtr& child : node->children) grow(child);
    for (const ExpressionPtr& child : node->arguments.positional) grow(child);
    for (const auto& [name, child] : node->arguments.named) grow(child);
    grow(node->arguments.more_positional);
    grow(node->arguments.more_named);
    if (node->height > height_max)
      fail_at(node->line, "an expression is too long or nested too deeply");
    return node;
  }

  template <typename... Children>
  ExpressionPtr compose(ExpressionKind kind, int line, std::string text,
                        Children... children) const {
    ExpressionPtr node = make(kind, line);
    node->text = std::move(text);
    (node->children.push_back(std::move(children)), ...);
    return finish(std::move(node));
  }

  ExpressionPtr constant(Value value, int line) const {
    ExpressionPtr node = make(ExpressionKind::constant, line);
    node->value = std::move(value);
    return node;
  }

  // ---- statements

  using StatementPtr = std::unique_ptr<Statement>;

  StatementPtr make_statement(StatementKind kind) const {
    auto node = std::make_unique<Statement>();
    node->kind = kind;
    node->line = peek().line;
    return node;
  }

  // Statements up to one of `ends` (whose name is left to read) or the end of the template.
  Block parse_block(const std::vector<std::string_view>& ends) {
    const Nested nested(*this);
    const int line = peek().line;
    Block block;
    for (;;) {
      const Token& token = peek();
      if (token.kind == TokenKind::end) {
        if (ends.empty()) return block;
        fail_at(line, fmt::format("expected '{}' before the end of the template", ends.back()));
      }
      if (token.kind == TokenKind::data) {
        block.push_back(make_statement(StatementKind::text));
        block.back()->literal = literal(next().text);
      } else if (token.kind == TokenKind::variable_begin) {
        block.push_back(parse_print());
      } else {
        next();
        const bool is_end = std::any_of(ends.begin(), ends.end(),
                                        [&](std::string_view end) { return is_name(end); });
        if (is_end) return block;
        block.push_back(parse_statement());
      }
    }
  }

  StatementPtr parse_print() {
    next();
    StatementPtr node = make_statement(StatementKind::print);
    node->expression = parse_tuple(true, {});
    if (peek().kind != TokenKind::variable_end)
      fail_here("expected the end of the print statement");
    next();
    return node;
  }

  StatementPtr parse_statement() {
    using Rule = StatementPtr (Parser::*)();
    static const std::map<std::string_view, Rule> rules{
        {"if", &Parser::parse_if},           {"for", &Parser::parse_for},
        {"set", &Parser::parse_set},         {"macro", &Parser::parse_macro},
        {"call", &Parser::parse_call_block}, {"filter", &Parser::parse_filter_block},
        {"with", &Parser::parse_with},       {"generation", &Parser::parse_generation},
        {"break", &Parser::parse_break},     {"continue", &Parser::parse_continue},
        {"print", &Parser::parse_print_tag}};
    if (peek().kind != TokenKind::name) fail_here("expected the name of a tag");
    const auto rule = rules.find(peek().text);
    if (rule == rules.end()) fail_here("unknown tag");
    return (this->*rule->second)();
  }

  void end_block(std::string_view name) {
    expect_name(name);
    expect_block_end();
  }

  StatementPtr parse_if() {
    StatementPtr node = make_statement(StatementKind::branch);
    while (is_name("if") || is_name("elif")) {
      next();
      Branch branch;
      branch.condition = parse_tuple(false, {});
      expect_block_end();
      branch.body = parse_block({"elif", "else", "endif"});
      node->branches.push_back(std::move(branch));
    }
    if (skip_name("else")) {
      expect_block_end();
      node->branches.push_back({nullptr, parse_block({"endif"})});
    }
    end_block("endif");
    return node;
  }

  StatementPtr parse_for() {
    StatementPtr node = make_statement(StatementKind::loop);
    next();
    node->target = parse_target(false);
    expect_name("in");
    node->expression = parse_tuple(false, {"recursive", "if"});
    if (skip_name("if")) node->condition = parse_expression();
    node->is_recursive = skip_name("recursive");
    expect_block_end();
    ++loops_;
    node->body = parse_block({"else", "endfor"});
    --loops_;
    if (skip_name("else")) {
      expect_block_end();
      node->else_body = parse_block({"endfor"});
    }
    end_block("endfor");
    return node;
  }

  StatementPtr parse_set() {
    StatementPtr node = make_statement(StatementKind::assign);
    next();
    node->target = parse_target(true);
    if (skip_op("=")) {
      node->expression = parse_tuple(true, {});
      expect_block_end();
      return node;
    }
    node->kind = StatementKind::assign_block;
    if (is_op("|")) node->expression = parse_filters(nullptr);
    expect_block_end();
    node->body = parse_block({"endset"});
    end_block("endset");
    return node;
  }

  void parse_signature(Statement& node) {
    expect_op("(");
    while (!is_op(")")) {
      if (!node.parameters.empty()) expect_op(",");
      Parameter parameter;
      parameter.name = take_name();
      parameter.symbol = symbol(parameter.name);
      if (skip_op("=")) parameter.default_value = parse_expression();
      node.parameters.push_back(std::move(parameter));
    }
    expect_op(")");
  }

  // The body of a macro is no part of the loop around it: break and continue do not reach out.
  Block parse_closed_block(std::string_view end) {
    const int outer_loops = std::exchange(loops_, 0);
    Block body = parse_block({end});
    loops_ = outer_loops;
    end_block(end);
    return body;
  }

  StatementPtr parse_macro() {
    StatementPtr node = make_statement(StatementKind::macro);
    next();
    node->text = take_name();
    node->symbol = symbol(node->text);
    parse_signature(*node);
    expect_block_end();
    node->body = parse_closed_block("endmacro");
    return node;
  }

  StatementPtr parse_call_block() {
    StatementPtr node = make_statement(StatementKind::call_block);
    next();
    if (is_op("(")) parse_signature(*node);
    node->expression = parse_expression();
    if (node->expression->kind != ExpressionKind::call) fail_here("expected a call");
    expect_block_end();
    node->body = parse_closed_block("endcall");
    return node;
  }

  StatementPtr parse_filter_block() {
    StatementPtr node = make_statement(StatementKind::filter_block);
    next();
    node->expression = parse_one_filter(nullptr);
    node->expression = parse_filters(std::move(node->expression));
    expect_block_end();
    node->body = parse_block({"endfilter"});
    end_block("endfilter");
    return node;
  }

  StatementPtr parse_with() {
    StatementPtr node = make_statement(StatementKind::with);
    next();
    while (peek().kind != TokenKind::block_end) {
      if (!node->bindings.empty()) expect_op(",");
      ExpressionPtr target = parse_target(false);
      expect_op("=");
      node->bindings.emplace_back(std::move(target), parse_expression());
    }
    expect_block_end();
    node->body = parse_block({"endwith"});
    end_block("endwith");
    return node;
  }

  StatementPtr parse_generation() {
    StatementPtr node = make_statement(StatementKind::scope);
    next();
    expect_block_end();
    node->body = parse_block({"endgeneration"});
    end_block("endgeneration");
    return node;
  }

  StatementPtr parse_jump(StatementKind kind) {
    StatementPtr node = make_statement(kind);
    if (loops_ == 0) fail_here("outside of a loop");
    next();
    expect_block_end();
    return node;
  }
  StatementPtr parse_break() { return parse_jump(StatementKind::break_loop); }
  StatementPtr parse_continue() { return parse_jump(StatementKind::continue_loop); }

  StatementPtr parse_print_tag() {
    StatementPtr node = make_statement(StatementKind::print);
    next();
    node->expression = parse_tuple(true, {});
    expect_block_end();
    return node;
  }

  // Names that values are assigned to.
  ExpressionPtr parse_target(bool may_be_attribute) {
    ExpressionPtr first = parse_target_name();
    if (may_be_attribute && skip_op(".")) {
      const int line = first->line;
      return compose(ExpressionKind::attribute, line, take_name(), std::move(first));
    }
    if (!is_op(",")) return first;
    ExpressionPtr tuple = make(ExpressionKind::tuple, first->line);
    tuple->children.push_back(std::move(first));
    while (skip_op(",")) {
      if (peek().kind != TokenKind::name && !is_op("(")) break;
      tuple->children.push_back(parse_target_name());
    }
    return finish(std::move(tuple));
  }

  ExpressionPtr parse_target_name() {
    const Nested nested(*this);
    if (skip_op("(")) {
      ExpressionPtr inner = parse_target(false);
      expect_op(")");
      return inner;
    }
    static constexpr std::array<std::string_view, 6> reserved{"true", "false", "none",
                                                              "True", "False", "None"};
    if (std::find(reserved.begin(), reserved.end(), peek().text) != reserved.end())
      fail_here("cannot assign to this");
    return parse_name();
  }

  // ---- expressions

  ExpressionPtr parse_name() {
    ExpressionPtr node = make(ExpressionKind::name, peek().line);
    node->text = take_name();
    node->symbol = symbol(node->text);
    program_.uses_varargs = program_.uses_varargs || node->text == "varargs";
    program_.uses_kwargs = program_.uses_kwargs || node->text == "kwargs";
    return node;
  }

  bool at_tuple_end(const std::vector<std::string_view>& ends) const {
    const TokenKind kind = peek().kind;
    if (kind == TokenKind::variable_end || kind == TokenKind::block_end || is_op(")")) return true;
    return std::any_of(ends.begin(), ends.end(),
                       [&](std::string_view end) { return is_name(end); });
  }

  // One expression, or several with commas between them.
  ExpressionPtr parse_tuple(bool with_condition, const std::vector<std::string_view>& ends) {
    const int line = peek().line;
    ExpressionPtr first = with_condition ? parse_expression() : parse_or();
    if (!is_op(",")) return first;
    ExpressionPtr tuple = make(ExpressionKind::tuple, line);
    tuple->children.push_back(std::move(first));
    while (skip_op(",")) {
      if (at_tuple_end(ends)) break;
      tuple->children.push_back(with_condition ? parse_expression() : parse_or());
    }
    return finish(std::move(tuple));
  }

  ExpressionPtr parse_expression() {
    const Nested nested(*this);
    ExpressionPtr value = parse_or();
    while (is_name("if")) {
      const int line = next().line;
      ExpressionPtr condition = parse_or();
      ExpressionPtr otherwise;
      if (skip_name("else")) otherwise = parse_expression();
      value = compose(ExpressionKind::conditional, line, "", std::move(condition), std::move(value),
                      std::move(otherwise));
    }
    return value;
  }

  ExpressionPtr parse_or() {
    ExpressionPtr left = parse_and();
    while (is_name("or")) {
      const int line = next().line;
      left = compose(ExpressionKind::logical, line, "or", std::move(left), parse_and());
    }
    return left;
  }

  ExpressionPtr parse_and() {
    ExpressionPtr left = parse_not();
    while (is_name("and")) {
      const int line = next().line;
      left = compose(ExpressionKind::logical, line, "and", std::move(left), parse_not());
    }
    return left;
  }

  ExpressionPtr parse_not() {
    if (!is_name("not")) return parse_comparison();
    const Nested nested(*this);
    const int line = next().line;
    return compose(ExpressionKind::unary, line, "not", parse_not());
  }

  // The comparison operator here, or nothing.
  std::string take_comparison() {
    for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (skip_op(op)) return std::string(op);
    }
    if (skip_name("in")) return "in";
    if (is_name("not") && is_name("in", 1)) {
      next();
      next();
      return "not in";
    }
    return {};
  }

  ExpressionPtr parse_comparison() {
    const int line = peek().line;
    ExpressionPtr first = parse_sum();
    std::string op = take_comparison();
    if (op.empty()) return first;
    ExpressionPtr node = make(ExpressionKind::comparison, line);
    node->children.push_back(std::move(first));
    for (; !op.empty(); op = take_comparison()) {
      node->operators.push_back(op);
      node->children.push_back(parse_sum());
    }
    return finish(std::move(node));
  }

  ExpressionPtr parse_sum() {
    ExpressionPtr left = parse_concat();
    while (is_op("+") || is_op("-")) {
      const Token op = next();
      left = compose(ExpressionKind::binary, op.line, op.text, std::move(left), parse_concat());
    }
    return left;
  }

  ExpressionPtr parse_concat() {
    const int line = peek().line;
    ExpressionPtr first = parse_product();
    if (!is_op("~")) return first;
    ExpressionPtr node = make(ExpressionKind::concat, line);
    node->children.push_back(std::move(first));
    while (skip_op("~")) node->children.push_back(parse_product());
    return finish(std::move(node));
  }

  ExpressionPtr parse_product() {
    ExpressionPtr left = parse_power();
    while (is_op("*") || is_op("/") || is_op("//") || is_op("%")) {
      const Token op = next();
      left = compose(ExpressionKind::binary, op.line, op.text, std::move(left), parse_power());
    }
    return left;
  }

  ExpressionPtr parse_power() {
    ExpressionPtr left = parse_unary(true);
    while (is_op("**")) {
      const int line = next().line;
      left = compose(ExpressionKind::binary, line, "**", std::move(left), parse_unary(true));
    }
    return left;
  }

  ExpressionPtr parse_unary(bool with_filters) {
    const Nested nested(*this);
    ExpressionPtr node;
    if (is_op("-") || is_op("+")) {
      const Token op = next();
      node = compose(ExpressionKind::unary, op.line, op.text, parse_unary(false));
    } else {
      node = parse_primary();
    }
    node = parse_postfix(std::move(node));
    return with_filters ? parse_filter_expression(std::move(node)) : std::move(node);
  }

  ExpressionPtr parse_primary() {
    const Token& token = peek();
    switch (token.kind) {
      case TokenKind::name:
        return parse_name_or_constant();
      case TokenKind::string:
        return parse_string();
      case TokenKind::integer:
        return parse_integer();
      case TokenKind::real: {
        const int line = token.line;
        return constant(real(std::strtod(next().text.c_str(), nullptr)), line);
      }
      default:
        break;
    }
    if (is_op("(")) return parse_parentheses();
    if (is_op("[")) return parse_list();
    if (is_op("{")) return parse_dict();
    fail_here("expected an expression");
  }

  ExpressionPtr parse_name_or_constant() {
    const int line = peek().line;
    if (skip_name("true") || skip_name("True")) return constant(boolean(true), line);
    if (skip_name("false") || skip_name("False")) return constant(boolean(false), line);
    if (skip_name("none") || skip_name("None")) return constant(none(), line);
    return parse_name();
  }

  ExpressionPtr parse_string() {
    const int line = peek().line;
    std::string text;
    while (peek().kind == TokenKind::string) text += next().text;
    return constant({literal(std::move(text))}, line);
  }

  ExpressionPtr parse_integer() {
    const Token token = next();
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
    if (error != std::errc() || end != token.text.data() + token.text.size()) {
      fail_at(token.line, "a number is too large");
    }
    return constant(integer(value), token.line);
  }

  ExpressionPtr parse_parentheses() {
    const int line = next().line;
    if (skip_op(")")) return make(ExpressionKind::tuple, line);
    ExpressionPtr inner = parse_tuple(true, {});
    expect_op(")");
    return inner;
  }

  ExpressionPtr parse_list() {
    ExpressionPtr node = make(ExpressionKind::list, next().line);
    while (!is_op("]")) {
      if (!node->children.empty()) expect_op(",");
      if (is_op("]")) break;
      node->children.push_back(parse_expression());
    }
    expect_op("]");
    return finish(std::move(node));
  }

  ExpressionPtr parse_dict() {
    ExpressionPtr node = make(ExpressionKind::dict, next().line);
    while (!is_op("}")) {
      if (!node->children.empty()) expect_op(",");
      if (is_op("}")) break;
      node->children.push_back(parse_expression());
      expect_op(":");
      node->children.push_back(parse_expression());
    }
    expect_op("}");
    return finish(std::move(node));
  }

  ExpressionPtr parse_postfix(ExpressionPtr node) {
    for (;;) {
      if (is_op(".") || is_op("[")) {
        node = parse_subscript(std::move(node));
      } else if (is_op("(")) {
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_filter_expression(ExpressionPtr node) {
    for (;;) {
      if (is_op("|")) {
        node = parse_filters(std::move(node));
      } else if (is_name("is")) {
        node = parse_test(std::move(node));
      } else if (is_op("(")) {  // the result of a filter or test may be called
        node = parse_call(std::move(node));
      } else {
        return node;
      }
    }
  }

  ExpressionPtr parse_subscript(ExpressionPtr object) {
    const Token op = next();
    if (op.text == ".") {
      if (peek().kind == TokenKind::name) {
        std::string name = take_name();
        return compose(ExpressionKind::attribute, op.line, std::move(name), std::move(object));
      }
      if (peek().kind != TokenKind::integer) fail_here("expected a name or number after '.'");
      return compose(ExpressionKind::item, op.line, "", std::move(object), parse_integer());
    }
    std::vector<ExpressionPtr> indices;
    while (!is_op("]")) {
      if (!indices.empty()) expect_op(",");
      if (is_op(":") || !is_op("]")) indices.push_back(parse_index());
    }
    expect_op("]");
    if (indices.size() == 1 && indices[0]->kind == ExpressionKind::slice) {
      indices[0]->children[0] = std::move(object);
      return finish(std::move(indices[0]));
    }
    if (indices.size() == 1)
      return compose(ExpressionKind::item, op.line, "", std::move(object), std::move(indices[0]));
    for (const ExpressionPtr& index : indices) {
      if (index->kind == ExpressionKind::slice)
        fail_at(op.line, "a slice cannot stand among several indices");
    }
    ExpressionPtr tuple = make(ExpressionKind::tuple, op.line);
    tuple->children = std::move(indices);
    return compose(ExpressionKind::item, op.line, "", std::move(object), finish(std::move(tuple)));
  }

  // An index, or a slice whose object the caller puts in.
  ExpressionPtr parse_index() {
    const int line = peek().line;
    ExpressionPtr start;
    if (!is_op(":")) start = parse_expression();
    if (!is_op(":")) return start;
    next();
    ExpressionPtr stop;
    ExpressionPtr step;
    if (!is_op(":") && !is_op("]") && !is_op(",")) stop = parse_expression();
    if (skip_op(":") && !is_op("]") && !is_op(",")) step = parse_expression();
    return compose(ExpressionKind::slice, line, "", ExpressionPtr(), std::move(start),
                   std::move(stop), std::move(step));
  }

  ExpressionPtr parse_call(ExpressionPtr callee) {
    ExpressionPtr node = make(ExpressionKind::call, peek().line);
    node->children.push_back(std::move(callee));
    node->arguments = parse_arguments();
    return finish(std::move(node));
  }

  CallArguments parse_arguments() {
    CallArguments arguments;
    expect_op("(");
    for (bool is_first = true; !is_op(")"); is_first = false) {
      if (!is_first) expect_op(",");
      if (is_op(")")) break;
      if (skip_op("**")) {
        arguments.more_named = parse_expression();
      } else if (skip_op("*")) {
        arguments.more_positional = parse_expression();
      } else if (peek().kind == TokenKind::name && is_op("=", 1)) {
        std::string name = take_name();
        next();
        arguments.named.emplace_back(std::move(name), parse_expression());
      } else {
        if (!arguments.named.empty())
          fail_here("arguments by place stand before arguments by name");
        arguments.positional.push_back(parse_expression());
      }
    }
    expect_op(")");
    return arguments;
  }

  std::string take_dotted_name() {
    std::string name = take_name();
    while (skip_op(".")) name += '.' + take_name();
    return name;
  }

  ExpressionPtr parse_one_filter(ExpressionPtr input) {
    ExpressionPtr node = make(ExpressionKind::filter, peek().line);
    node->text = take_dotted_name();
    node->children.push_back(std::move(input));
    if (is_op("(")) node->arguments = parse_arguments();
    return finish(std::move(node));
  }

  ExpressionPtr parse_filters(ExpressionPtr node) {
    while (skip_op("|")) node = parse_one_filter(std::move(node));
    return node;
  }

  bool at_test_argument() const {
    switch (peek().kind) {
      case TokenKind::name:
        return !is_name("else") && !is_name("or") && !is_name("and") && !is_name("if") &&
               !is_name("is") && !is_name("not") && !is_name("in") && !is_name("recursive");
      case TokenKind::string:
      case TokenKind::integer:
      case TokenKind::real:
        return true;
      default:
        return is_op("[") || is_op("{");
    }
  }

  ExpressionPtr parse_test(ExpressionPtr input) {
    const int line = next().line;
    const bool is_negated = skip_name("not");
    ExpressionPtr node = make(ExpressionKind::test, line);
    node->text = take_dotted_name();
    node->children.push_back(std::move(input));
    if (is_op("(")) {
      node->arguments = parse_arguments();
    } else if (at_test_argument()) {
      node->arguments.positional.push_back(parse_postfix(parse_primary()));
    }
    node = finish(std::move(node));
    return is_negated ? compose(ExpressionKind::unary, line, "not", std::move(node))
                      : std::move(node);
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
  std::map<std::string, int> symbols_;
  Program program_;
};

}  // namespace

Program parse_template(std::string_view source) {
  return Parser(source).parse();
}

}  // namespace hearth::modelfile::jinja

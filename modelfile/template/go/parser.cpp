// Recursive descent over the tokens. Checks what Go checks while parsing: functions and variables
// exist, break and continue stand inside of range, every block has its end.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/utf8.h"
#include "modelfile/template/go/ast.h"
#include "modelfile/template/go/functions.h"
#include "modelfile/template/go/lexer.h"

namespace hearth::modelfile::go {
namespace {

constexpr int nesting_max = 100;
constexpr size_t definitions_max = 1000;

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool ends_list(std::string_view keyword) {
  return keyword == "end" || keyword == "else";
}

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)) {}

  Program run() {
    program_.body = parse_list(false);
    if (peek().kind != TokenKind::end) fail_here("unexpected {{" + keyword() + "}}");
    if (!program_.uses("messages") && !program_.uses("response")) append_response();
    return std::move(program_);
  }

 private:
  // Counts nesting while it lives.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > nesting_max) parser_.fail_here("nested too deeply");
    }
    ~Nested() { --parser_.nesting_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool accept_op(std::string_view op) {
    if (peek().kind != TokenKind::op || peek().text != op) return false;
    next();
    return true;
  }
  [[noreturn]] void fail_here(std::string_view message) const { fail_at(peek().line, message); }

  // The word behind {{ of the action ahead; empty when it is none.
  std::string keyword() const {
    const bool is_word =
        peek().kind == TokenKind::action_begin && peek(1).kind == TokenKind::identifier;
    return is_word ? peek(1).text : std::string();
  }
  void expect_action_end() {
    if (peek().kind != TokenKind::action_end)
      fail_here(fmt::format("unexpected '{}', expected }}}}", peek().text));
    next();
  }
  void skip_keyword() {
    next();
    next();
  }

  Node make(NodeKind kind) {
    Node node;
    node.kind = kind;
    node.line = peek().line;
    node.ordinal = ordinal_++;
    return node;
  }

  NodeList parse_list(bool in_block) {
    const Nested nested(*this);
    NodeList nodes;
    while (peek().kind != TokenKind::end) {
      if (in_block && ends_list(keyword())) return nodes;
      parse_node(nodes);
    }
    if (in_block) fail_here("expected {{end}} before the end of the template");
    return nodes;
  }

  void parse_node(NodeList& nodes) {
    if (peek().kind == TokenKind::text) {
      Node node = make(NodeKind::text);
      node.text = literal(repair_utf8(next().text));
      nodes.push_back(std::move(node));
      return;
    }
    const std::string word = keyword();
    if (word == "if") return nodes.push_back(parse_control(NodeKind::branch));
    if (word == "with") return nodes.push_back(parse_control(NodeKind::with));
    if (word == "range") return nodes.push_back(parse_control(NodeKind::loop));
    if (word == "define") return parse_define();
    if (word == "block") return nodes.push_back(parse_block());
    if (word == "template") return nodes.push_back(parse_call());
    if (word == "break" || word == "continue") return nodes.push_back(parse_jump(word));
    if (ends_list(word)) fail_here("unexpected {{" + word + "}}");
    Node node = make(NodeKind::action);
    next();
    has_response_ = false;
    node.pipeline = parse_pipeline(Declarations::one);
    expect_action_end();
    if (has_response_ && program_.response_ordinal < 0) program_.response_ordinal = node.ordinal;
    nodes.push_back(std::move(node));
  }

  // if, with and range: the brackets are open, the keyword is ahead.
  Node parse_control(NodeKind kind) {
    const Nested nested(*this);
    Node node = make(kind);
    const size_t variables_before = variables_.size();
    skip_keyword();
    node.pipeline = parse_pipeline(kind == NodeKind::loop ? Declarations::two : Declarations::one);
    expect_action_end();
    if (kind == NodeKind::loop) ++loop_depth_;
    node.body = parse_list(true);
    if (kind == NodeKind::loop) --loop_depth_;
    if (keyword() == "else")
      parse_else(node);
    else
      parse_end();
    variables_.resize(variables_before);
    return node;
  }

  // {{else}} ... {{end}}, or {{else if ...}} which needs no end of its own.
  void parse_else(Node& node) {
    const bool chains = peek(2).kind == TokenKind::identifier;
    const std::string word = chains ? peek(2).text : "";
    const bool fits = (word == "if" && node.kind == NodeKind::branch) ||
                      (word == "with" && node.kind == NodeKind::with);
    if (fits) {
      next();  // the brackets; now `else` stands where `if` is expected to follow them
      node.else_body.push_back(parse_control(node.kind));
      return;
    }
    skip_keyword();
    expect_action_end();
    node.else_body = parse_list(true);
    parse_end();
  }

  void parse_end() {
    if (keyword() != "end") fail_here("expected {{end}}");
    skip_keyword();
    expect_action_end();
  }

  Node parse_jump(const std::string& word) {
    if (loop_depth_ == 0) fail_here("{{" + word + "}} outside of {{range}}");
    Node node = make(word == "break" ? NodeKind::break_loop : NodeKind::continue_loop);
    skip_keyword();
    expect_action_end();
    return node;
  }

  std::string parse_name(std::string_view where) {
    if (peek().kind != TokenKind::string) fail_here(fmt::format("expected a name in {}", where));
    return next().text;
  }

  void define(const std::string& name, NodeList body) {
    if (program_.definitions.size() >= definitions_max) fail_here("too many definitions");
    program_.definitions[name] = std::move(body);
  }

  // A body with variables of its own: only $ is known.
  NodeList parse_definition() {
    const std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int outer_loops = std::exchange(loop_depth_, 0);
    const int response = program_.response_ordinal;
    NodeList body = parse_list(true);
    parse_end();
    program_.response_ordinal = response;  // only the main text is cut there
    variables_ = outer;
    loop_depth_ = outer_loops;
    return body;
  }

  void parse_define() {
    const Nested nested(*this);
    skip_keyword();
    const std::string name = parse_name("{{define}}");
    expect_action_end();
    define(name, parse_definition());
  }

  Node parse_block() {
    const Nested nested(*this);
    Node node = make(NodeKind::call);
    skip_keyword();
    node.name = parse_name("{{block}}");
    node.pipeline = parse_pipeline(Declarations::one);
    expect_action_end();
    define(node.name, parse_definition());
    return node;
  }

  Node parse_call() {
    Node node = make(NodeKind::call);
    skip_keyword();
    node.name = parse_name("{{template}}");
    if (peek().kind != TokenKind::action_end) node.pipeline = parse_pipeline(Declarations::one);
    expect_action_end();
    return node;
  }

  enum class Declarations { none, one, two };

  Pipeline parse_pipeline(Declarations allowed) {
    const Nested nested(*this);
    Pipeline pipeline;
    pipeline.line = peek().line;
    if (allowed != Declarations::none) parse_declarations(pipeline, allowed);
    do {
      pipeline.commands.push_back(parse_command());
    } while (accept_op("|"));
    check_commands(pipeline);
    if (!pipeline.is_assignment) {
      variables_.insert(variables_.end(), pipeline.variables.begin(), pipeline.variables.end());
    }
    return pipeline;
  }

  bool is_op(size_t ahead, std::string_view op) const {
    return peek(ahead).kind == TokenKind::op && peek(ahead).text == op;
  }

  void parse_declarations(Pipeline& pipeline, Declarations allowed) {
    if (peek().kind != TokenKind::variable) return;
    const bool has_two =
        allowed == Declarations::two && is_op(1, ",") && peek(2).kind == TokenKind::variable;
    const size_t op = has_two ? 3 : 1;
    if (!is_op(op, ":=") && !is_op(op, "=")) return;
    pipeline.is_assignment = is_op(op, "=");
    pipeline.variables.push_back(next().text);
    if (has_two) {
      next();
      pipeline.variables.push_back(next().text);
    }
    next();
    if (!pipeline.is_assignment) return;
    for (const std::string& name : pipeline.variables) check_variable(name);
  }

  void check_variable(const std::string& name) const {
    if (std::find(variables_.begin(), variables_.end(), name) == variables_.end())
      fail_here(fmt::format("undefined variable {}", name));
  }

  // Only the first command of a pipeline may be something that takes no arguments.
  void check_commands(const Pipeline& pipeline) const {
    for (size_t i = 1; i < pipeline.commands.size(); ++i) {
      const OperandKind kind = pipeline.commands[i].operands.front().kind;
      if (kind == OperandKind::constant || kind == OperandKind::dot || kind == OperandKind::nil)
        fail_here("a value in a pipeline takes no argument");
    }
  }

  Command parse_command() {
    Command command;
    while (std::optional<Operand> operand = parse_operand()) {
      if (!command.operands.empty() && peek(0).is_attached) check_separated();
      command.operands.push_back(std::move(*operand));
    }
    if (command.operands.empty())
      fail_here(fmt::format("missing value for command, found '{}'", peek().text));
    return command;
  }

  // "a"."b" or 1"x": Go wants white space between operands.
  void check_separated() const {
    const TokenKind kind = peek().kind;
    if (kind == TokenKind::string || kind == TokenKind::number || kind == TokenKind::identifier)
      fail_here(fmt::format("unexpected '{}'", peek().text));
  }

  std::optional<Operand> parse_operand() {
    std::optional<Operand> operand = parse_term();
    if (!operand) return operand;
    const bool takes_path = operand->kind == OperandKind::field ||
                            operand->kind == OperandKind::variable ||
                            operand->kind == OperandKind::pipeline;
    while (peek().kind == TokenKind::field && peek().is_attached) {
      if (!takes_path) fail_here(fmt::format("unexpected .{} behind a value", peek().text));
      add_path(*operand, next().text);
    }
    return operand;
  }

  void add_path(Operand& operand, const std::string& name) {
    program_.identifiers.insert(lower_ascii(name));
    has_response_ = has_response_ || name == "Response";
    operand.path.push_back(name);
  }

  std::optional<Operand> parse_term() {
    Operand operand{OperandKind::dot, "", {}, {}, nullptr};
    switch (peek().kind) {
      case TokenKind::dot:
        break;
      case TokenKind::field:
        operand.kind = OperandKind::field;
        add_path(operand, peek().text);
        break;
      case TokenKind::variable:
        operand.kind = OperandKind::variable;
        operand.text = peek().text;
        check_variable(operand.text);
        break;
      case TokenKind::identifier:
        parse_identifier(operand);
        break;
      case TokenKind::string:
        operand.kind = OperandKind::constant;
        operand.value = literal(peek().text);
        break;
      case TokenKind::character:
      case TokenKind::number:
        operand.kind = OperandKind::constant;
        operand.value = parse_number(peek().text);
        break;
      case TokenKind::op:
        if (peek().text != "(") return std::nullopt;
        return parse_parentheses();
      default:
        return std::nullopt;
    }
    next();
    return operand;
  }

  void parse_identifier(Operand& operand) {
    operand.kind = OperandKind::constant;
    operand.text = peek().text;
    if (operand.text == "nil") {
      operand.kind = OperandKind::nil;
    } else if (operand.text == "true" || operand.text == "false") {
      operand.value = boolean(operand.text == "true");
    } else {
      operand.kind = OperandKind::function;
      if (!is_function(operand.text))
        fail_here(fmt::format("function \"{}\" not defined", operand.text));
    }
  }

  Operand parse_parentheses() {
    next();
    Operand operand{OperandKind::pipeline, "", {}, {}, nullptr};
    operand.pipeline = std::make_unique<Pipeline>(parse_pipeline(Declarations::none));
    if (!accept_op(")")) fail_here(fmt::format("unexpected '{}', expected )", peek().text));
    return operand;
  }

  Value parse_number(std::string text) {
    const std::string shown = text;
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    std::string_view digits = text;
    const bool is_negative = digits.starts_with('-');
    if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
    int base = 10;
    if (digits.size() > 1 && digits[0] == '0') {
      const char mark = digits[1];
      base = mark == 'x' || mark == 'X' ? 16 : (mark == 'b' || mark == 'B' ? 2 : 8);
      if (mark < '0' || mark > '9') digits.remove_prefix(mark == '.' || mark == 'e' ? 0 : 2);
      if (mark == '.' || mark == 'e') base = 10;
    }
    int64_t whole = 0;
    const std::string signed_digits = (is_negative ? "-" : "") + std::string(digits);
    const char* end = signed_digits.data() + signed_digits.size();
    const auto read = std::from_chars(signed_digits.data(), end, whole, base);
    if (read.ec == std::errc() && read.ptr == end && !digits.empty()) return integer(whole);
    double real = 0;
    const auto read_real = std::from_chars(signed_digits.data(), end, real);
    if (base != 10 || read_real.ec != std::errc() || read_real.ptr != end || !std::isfinite(real))
      fail_here(fmt::format("bad number '{}'", shown));
    return {real};
  }

  void append_response() {
    Node node = make(NodeKind::action);
    Operand operand{OperandKind::field, "", {}, {}, nullptr};
    add_path(operand, "Response");
    Command command;
    command.operands.push_back(std::move(operand));
    node.pipeline.line = node.line;
    node.pipeline.commands.push_back(std::move(command));
    program_.response_ordinal = node.ordinal;
    program_.body.push_back(std::move(node));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  int loop_depth_ = 0;
  int ordinal_ = 0;
  bool has_response_ = false;
  std::vector<std::string> variables_{"$"};
  Program program_;
};

}  // namespace

Program parse_template(std::string_view source) {
  return Parser(source).run();
}

}  // namespace hearth::modelfile::go

// Every request passes here: who may, which handler, what became of it.
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>

#include "api/errors.h"
#include "api/json.h"
#include "api/time_text.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/routes.h"
#include "daemon/server/access.h"

namespace hearth::daemon {
namespace {

constexpr std::string_view cors_methods = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS";
constexpr std::string_view cors_headers =
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,OpenAI-Beta,x-api-key,anthropic-"
    "version,"
    "x-stainless-arch,x-stainless-async,x-stainless-custom-poll-interval,x-stainless-helper-method,"
    "x-stainless-lang,"
    "x-stainless-os,x-stainless-package-version,x-stainless-poll-helper,x-stainless-retry-count,x-"
    "stainless-runtime,"
    "x-stainless-runtime-version,x-stainless-timeout";

api::Dialect dialect_of(const Request& request) {
  return request.path.starts_with("/v1/") ? api::Dialect::openai : api::Dialect::native;
}

bool has_method(const Route& route, std::string_view method) {
  std::string_view rest = route.methods;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word == method) return true;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return false;
}

// The parameter of the pattern ("" when it has none); absent when the path does not fit.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    if (pattern != path) return std::nullopt;
    return std::string();
  }
  if (path.size() <= brace || path.substr(0, brace) != pattern.substr(0, brace))
    return std::nullopt;
  return std::string(path.substr(brace));
}

struct Found {
  const Route* route = nullptr;  // null: none for this method
  std::string allowed_methods;   // empty: the path is unknown
  std::string parameter;
};

Found find_route(std::string_view method, std::string_view path) {
  Found found;
  for (const Route& route : routes()) {
    const std::optional<std::string> parameter = match(route.pattern, path);
    if (!parameter) continue;
    for (const char letter : route.methods)
      found.allowed_methods += letter == ' ' ? std::string(", ") : std::string(1, letter);
    if (!has_method(route, method)) continue;
    found.route = &route;
    found.parameter = *parameter;
    break;
  }
  return found;
}

Reply error_reply(const Request& request, int status, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = api::error_body(dialect_of(request), status, message);
  return reply;
}

Reply empty_reply(int status) {
  Reply reply;
  reply.status = status;
  reply.content_type.clear();
  return reply;
}

// Absent: go on.
std::optional<Reply> check_access(const AccessRules& rules, Exchange& exchange) {
  const Request& request = exchange.request();
  if (!is_host_allowed(rules, request.host)) return empty_reply(403);
  const OriginVerdict verdict = judge_origin(rules, request.origin, request.host);
  if (verdict == OriginVerdict::denied) return empty_reply(403);
  if (verdict != OriginVerdict::same) {
    const bool is_for_all = verdict == OriginVerdict::allowed_for_all;
    exchange.add_header("Access-Control-Allow-Origin",
                        is_for_all ? "*" : std::string_view(request.origin));
    if (!is_for_all) exchange.add_header("Vary", "Origin");
  }
  if (request.method == "OPTIONS") {
    exchange.add_header("Access-Control-Allow-Methods", cors_methods);
    exchange.add_header("Access-Control-Allow-Headers", cors_headers);
    exchange.add_header("Access-Control-Max-Age", "43200");
    return empty_reply(204);
  }
  const bool is_open =
      request.path == "/" || request.path == "/api/version";  // says nothing but that we are here
  if (is_open || is_key_right(rules, request.authorization, request.api_key)) return std::nullopt;
  exchange.add_header("WWW-Authenticate", "Bearer");
  return error_reply(request, 401,
                     "unauthorized: send the API key as \"Authorization: Bearer <key>\"");
}

std::string with_query(std::string path, const std::string& query) {
  return query.empty() ? path : fmt::format("{}?{}", path, query);
}

// The answer for a path or method that is not in the table.
Reply unknown_route(Exchange& exchange, const Found& found) {
  const Request& request = exchange.request();
  if (!found.allowed_methods.empty()) {
    exchange.add_header("Allow", found.allowed_methods);
    return error_reply(request, 405,
                       fmt::format("method {} is not allowed for {}; allowed: {}", request.method,
                                   request.path, found.allowed_methods));
  }
  if (request.path.size() > 1 && request.path.ends_with('/')) {
    const std::string shorter = request.path.substr(0, request.path.find_last_not_of('/') + 1);
    if (!shorter.starts_with("//") &&
        !find_route(request.method, shorter).allowed_methods.empty()) {
      exchange.add_header("Location", with_query(shorter, request.query));
      return empty_reply(request.method == "GET" ? 301 : 307);
    }
  }
  return error_reply(request, 404, fmt::format("{} {} not found", request.method, request.path));
}

Task<void> route_request(Services& services, Exchange& exchange) {
  if (std::optional<Reply> refusal = check_access(services.access, exchange)) {
    co_await exchange.send(std::move(*refusal));
    co_return;
  }
  Request& request = exchange.request();
  Found found = find_route(request.method, request.path);
  if (found.route == nullptr) {
    co_await exchange.send(unknown_route(exchange, found));
    co_return;
  }
  request.parameter = std::move(found.parameter);
  co_await found.route->handler(services, exchange);
}

struct Failure {
  ErrorCode code;
  std::string message;
};

Task<void> answer_failure(Exchange& exchange, const Failure& failure) {
  const int status = api::http_status(failure.code);
  exchange.log().error = failure.message;
  if (failure.code == ErrorCode::cancelled) {
    if (!exchange.has_started()) exchange.log().status = status;
    co_return;  // nobody is there to read it
  }
  if (exchange.has_started()) {
    co_await exchange.write(
        api::error_frame(dialect_of(exchange.request()), status, failure.message));
    co_await exchange.finish();
    co_return;
  }
  if (status == 503) exchange.add_header("Retry-After", "1");
  co_await exchange.send(error_reply(exchange.request(), status, failure.message));
}

void log_request(Exchange& exchange) {
  const RequestLog& facts = exchange.log();
  const auto took = std::chrono::steady_clock::now() - exchange.request().arrived;
  api::Json line;
  line["time"] = api::rfc3339_utc(system_clock().wall());
  line["method"] = exchange.request().method;
  line["path"] = exchange.request().path;
  line["status"] = facts.status;
  line["ms"] =
      static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()) /
      1000.0;
  line["bytes"] = facts.bytes_sent;
  if (!facts.model.empty()) line["model"] = facts.model;
  if (facts.load_ns > 0) line["load_ms"] = static_cast<double>(facts.load_ns / 1000) / 1000.0;
  if (facts.prompt_tokens > 0) line["prompt_tokens"] = facts.prompt_tokens;
  if (facts.cached_prompt_tokens > 0) line["cached_prompt_tokens"] = facts.cached_prompt_tokens;
  if (facts.generated_tokens > 0) line["generated_tokens"] = facts.generated_tokens;
  if (!facts.error.empty()) line["error"] = facts.error;
  log::plain(api::to_line(line));
}

}  // namespace

Task<void> answer_request(Services& services, Exchange& exchange) {
  std::optional<Failure> failure;
  try {
    co_await route_request(services, exchange);
  } catch (const Error& error) {  // the HTTP session's catch site
    failure = Failure{error.code(), error.what()};
  } catch (const std::exception& error) {
    failure = Failure{ErrorCode::internal, error.what()};
  }
  if (failure) {
    try {
      co_await answer_failure(exchange, *failure);
    } catch (const Error&) {  // the client went away while it was told
    }
  }
  log_request(exchange);
}

}  // namespace hearth::daemon

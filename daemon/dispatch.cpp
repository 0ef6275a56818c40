// Every request passes here: who may, which handler, what became of it.
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <new>
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
    "version,anthropic-beta,anthropic-dangerous-direct-browser-access,"
    "x-stainless-arch,x-stainless-async,x-stainless-custom-poll-interval,x-stainless-helper-method,"
    "x-stainless-lang,"
    "x-stainless-os,x-stainless-package-version,x-stainless-poll-helper,x-stainless-retry-count,x-"
    "stainless-runtime,"
    "x-stainless-runtime-version,x-stainless-timeout";

// Models are listed in two dialects at one address: Anthropic's clients send a header.
api::Dialect dialect_of(const Request& request) {
  const bool is_messages =
      request.path == "/v1/messages" || request.path.starts_with("/v1/messages/");
  const bool is_models = request.path.starts_with("/v1/models");
  if (is_messages || (is_models && !request.anthropic_version.empty()))
    return api::Dialect::anthropic;
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
    if (!found.allowed_methods.empty()) found.allowed_methods += ", ";
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
  reply.body = api::error_body(dialect_of(request), status, message, request.id);
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
  if (!is_host_allowed(rules, request.host)) {
    return error_reply(
        request, 403,
        fmt::format("the Host \"{:.100}\" is not this computer's: a proxy in front sends "
                    "localhost, or HEARTH_HOST names an address to listen on",
                    request.host));
  }
  const OriginVerdict verdict = judge_origin(rules, request.origin, request.host);
  if (verdict == OriginVerdict::denied) {
    return error_reply(
        request, 403,
        fmt::format("pages of {:.100} may not use this daemon: add it to HEARTH_ORIGINS",
                    request.origin));
  }
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
  int status;
  std::string message;
};

// What is wrong with a request may quote it, and nothing that people wrote belongs in the log.
std::string loggable(const Failure& failure) {
  const bool is_of_client = failure.status >= 400 && failure.status < 499;
  return std::string(is_of_client ? to_string(failure.code) : std::string_view(failure.message));
}

Task<void> answer_failure(Exchange& exchange, const Failure& failure) {
  exchange.log().error = loggable(failure);
  log::debug(fmt::format("request {}: {}", exchange.request().id, failure.message));
  if (failure.code == ErrorCode::cancelled) {
    exchange.log().status = failure.status;
    co_return;  // nobody is there to read it
  }
  const api::Dialect dialect = dialect_of(exchange.request());
  if (exchange.has_started()) {
    std::string frame;
    if (exchange.heartbeat() == Heartbeat::json) {
      frame = api::error_body(dialect, failure.status, failure.message, exchange.request().id);
    } else if (exchange.failure_frame()) {
      frame = exchange.failure_frame()(failure.status, failure.message);
    } else {
      frame = api::error_frame(dialect, failure.status, failure.message);
    }
    co_await exchange.write(std::move(frame));
    co_await exchange.finish();
    co_return;
  }
  if (failure.status == 503) exchange.add_header("Retry-After", "1");
  co_await exchange.send(error_reply(exchange.request(), failure.status, failure.message));
}

constexpr size_t logged_path_max = 256;

double milliseconds(int64_t ns) {
  return static_cast<double>(ns / 1000) / 1000.0;
}

void log_request(Exchange& exchange) {
  const RequestLog& facts = exchange.log();
  const auto took = std::chrono::steady_clock::now() - exchange.request().arrived;
  api::Json line;
  line["time"] = api::rfc3339_utc(system_clock().wall());
  line["id"] = exchange.request().id;
  line["method"] = exchange.request().method.substr(0, logged_path_max);
  line["path"] = exchange.request().path.substr(0, logged_path_max);
  line["status"] = facts.status;
  line["ms"] = milliseconds(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
  line["bytes"] = facts.bytes_sent;
  if (!facts.model.empty()) line["model"] = facts.model;
  if (facts.load_ns > 0) line["load_ms"] = milliseconds(facts.load_ns);
  if (facts.queue_ns > 0) line["queue_ms"] = milliseconds(facts.queue_ns);
  if (facts.prompt_tokens > 0) line["prompt_tokens"] = facts.prompt_tokens;
  if (facts.cached_prompt_tokens > 0) line["cached_prompt_tokens"] = facts.cached_prompt_tokens;
  if (facts.generated_tokens > 0) line["generated_tokens"] = facts.generated_tokens;
  if (facts.drafted_tokens > 0) {
    line["drafted_tokens"] = facts.drafted_tokens;
    line["accepted_tokens"] = facts.accepted_tokens;
  }
  if (!facts.error.empty()) line["error"] = facts.error;
  log::plain(api::to_line(line));
}

}  // namespace

Task<void> answer_request(Services& services, Exchange& exchange) {
  std::optional<Failure> failure;
  exchange.add_header("X-Request-Id", exchange.request().id);
  if (dialect_of(exchange.request()) == api::Dialect::anthropic)
    exchange.add_header("request-id", exchange.request().id);
  try {
    co_await route_request(services, exchange);
  } catch (const StatusError& error) {  // the HTTP session's catch site
    failure = Failure{error.code(), error.status(), error.what()};
  } catch (const Error& error) {
    failure = Failure{error.code(), api::http_status(error.code()), error.what()};
  } catch (const std::bad_alloc&) {
    failure = Failure{ErrorCode::out_of_memory, 500, "memory ran out while answering this request"};
  } catch (const std::exception& error) {
    failure = Failure{ErrorCode::internal, 500, error.what()};
  }
  if (failure) {
    try {
      co_await answer_failure(exchange, *failure);
    } catch (const Error&) {  // the client went away while it was told
      exchange.log().status = api::http_status(ErrorCode::cancelled);
    }
  }
  log_request(exchange);
}

}  // namespace hearth::daemon

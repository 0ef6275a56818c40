// See remote_session.h.
#include "registry/remote/remote_session.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <ctime>

#include "base/base64.h"
#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "registry/remote/backoff.h"
#include "registry/remote/token.h"
#include "registry/ssh_key.h"

namespace hearth::registry {
namespace {

constexpr int redirects_max = 10;
constexpr size_t token_bytes_max = size_t{256} << 10;
constexpr std::chrono::seconds retry_after_max{600};

std::string basic(const RegistryCredentials& credentials) {
  const std::string text = credentials.user + ":" + credentials.password;
  return "Basic " + encode_base64(std::as_bytes(std::span(text)));
}

std::string user_agent() {
  utsname machine{};
  ::uname(&machine);
  return fmt::format("hearth/{} ({} linux) ollama/{}", version(), machine.machine, api_version);
}

// How the rule sees where the registry is: it may send us to places like its own, and from this
// computer also into the network around it.
bool may_lead_to(AddressKind registry, AddressKind target) {
  switch (target) {
    case AddressKind::public_net:
      return true;
    case AddressKind::private_net:
      return registry == AddressKind::private_net || registry == AddressKind::loopback;
    case AddressKind::loopback:
      return registry == AddressKind::loopback;
    default:
      return false;
  }
}

}  // namespace

RemoteSession::RemoteSession(const TransferSettings& settings, Url base,
                             RegistryCredentials credentials, RateLimit* rate_limit)
    : settings_(settings),
      base_(std::move(base)),
      credentials_(std::move(credentials)),
      rate_limit_(rate_limit),
      client_(http_options()) {
  if (credentials_.is_empty()) {
    const auto found = settings_.credentials.find(base_.authority());
    if (found != settings_.credentials.end()) credentials_ = found->second;
  }
  if (!credentials_.bearer.empty()) authorization_ = "Bearer " + credentials_.bearer;
  if (const auto kind = literal_address_kind(base_.host)) base_kind_ = kind;
  if (base_kind_ == AddressKind::link_local || base_kind_ == AddressKind::not_for_hosts)
    throw Error(ErrorCode::forbidden, fmt::format("{} is no place for a registry", base_.host));
}

std::unique_ptr<RemoteSession> RemoteSession::twin() const {
  auto other = std::make_unique<RemoteSession>(settings_, base_, credentials_, rate_limit_);
  other->authorization_ = authorization_;
  other->base_kind_ = base_kind_;
  return other;
}

HttpOptions RemoteSession::http_options() const {
  HttpOptions options;
  options.user_agent = user_agent();
  options.ca_file = settings_.ca_file;
  options.environment = settings_.environment;
  options.connect_timeout = settings_.connect_timeout;
  options.first_byte_timeout = settings_.first_byte_timeout;
  options.stall_timeout = settings_.stall_timeout;
  options.rate_limit = rate_limit_;
  return options;
}

Url RemoteSession::at(const std::string& path) const {
  const std::optional<Url> url = resolve_url(base_, path);
  if (!url) throw Error(ErrorCode::invalid_argument, fmt::format("'{}' is no address", path));
  return *url;
}

bool RemoteSession::may_connect(const std::string& host, AddressKind kind) const {
  if (kind == AddressKind::link_local || kind == AddressKind::not_for_hosts) return false;
  // Where the registry is was settled by its first address: a name that was public and then leads
  // into the local network is refused like a redirect to it.
  if (host == base_.host && !base_kind_) base_kind_ = kind;
  return may_lead_to(base_kind_.value_or(AddressKind::public_net), kind);
}

HttpRequest RemoteSession::prepared(std::string method, const Url& url, HttpHeaders headers) const {
  HttpRequest request;
  request.method = std::move(method);
  request.url = url.text;
  request.headers = std::move(headers);
  if (!authorization_.empty() && is_same_party(base_, url))
    request.headers.emplace_back("Authorization", authorization_);
  request.may_connect = [this, host = url.host](AddressKind kind) {
    return may_connect(host, kind);
  };
  return request;
}

bool RemoteSession::is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Url RemoteSession::follow(const Url& from, const HttpHeaders& headers) const {
  const std::string* location = find_header(headers, "location");
  const std::optional<Url> target =
      location == nullptr ? std::nullopt : resolve_url(from, *location);
  if (!target) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("{} redirects to no http address", from.authority()));
  }
  // Within this computer nobody listens on the way: registries under test do that.
  const bool stays_here =
      base_kind_ == AddressKind::loopback &&
      (target->host == "localhost" || literal_address_kind(target->host) == AddressKind::loopback);
  if (from.scheme == "https" && target->scheme != "https" && !stays_here) {
    throw Error(ErrorCode::forbidden, fmt::format("{} redirects from https to http at {}",
                                                  from.authority(), target->authority()));
  }
  return *target;
}

std::string RemoteSession::fetch_token(const HttpHeaders& headers, const StopCheck& check) {
  const std::vector<Challenge> challenges = challenges_of(headers);
  const Challenge* bearer = nullptr;
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "basic" && !credentials_.user.empty()) return basic(credentials_);
    if (challenge.scheme == "bearer") bearer = &challenge;
  }
  if (bearer == nullptr) {
    throw Error(
        ErrorCode::unauthorized,
        fmt::format("{} wants a name and a password: set registry-auth", base_.authority()));
  }
  const std::optional<Url> realm = resolve_url(base_, bearer->parameter("realm"));
  if (!realm || bearer->parameter("realm").empty()) {
    throw Error(ErrorCode::unauthorized,
                fmt::format("{} asks for a token but names no realm", base_.authority()));
  }
  const auto named = settings_.credentials.find(realm->authority());
  const bool is_ours = is_same_party(base_, *realm);
  if ((!is_ours && named == settings_.credentials.end()) ||
      (base_.scheme == "https" && realm->scheme != "https")) {
    throw Error(ErrorCode::forbidden,
                fmt::format("{} asks for tokens from {}: refused, because a signature would be "
                            "good for whoever gets it (registry-auth can name that host)",
                            base_.authority(), realm->origin()));
  }
  HttpRequest request = prepared("GET", *realm, {});
  std::erase_if(request.headers,
                [](const auto& header) { return header.first == "Authorization"; });
  request.url = token_url(*realm, *bearer, ::time(nullptr), make_nonce());
  const RegistryCredentials& who = is_ours ? credentials_ : named->second;
  if (!who.user.empty()) {
    request.headers.emplace_back("Authorization", basic(who));
  } else if (is_ours && !settings_.key_file.empty()) {
    const SshKey key = SshKey::load_or_create(settings_.key_file);
    request.headers.emplace_back(
        "Authorization",
        key.public_base64() + ":" + key.sign_base64(token_text_to_sign(request.url)));
  }
  const HttpAnswer answer = client_.fetch(std::move(request), token_bytes_max, check);
  if (answer.status != 200) {
    throw Error(is_passing(answer.status) ? ErrorCode::unavailable : ErrorCode::unauthorized,
                fmt::format("no token from {}: {}", realm->authority(),
                            status_text(answer.status, answer.body)));
  }
  return "Bearer " + parse_token(answer.body, realm->authority());
}

bool RemoteSession::answer_challenge(const HttpHeaders& headers, const StopCheck& check) {
  if (has_answered_) return false;
  if (!credentials_.bearer.empty()) {
    throw Error(ErrorCode::unauthorized,
                fmt::format("{} does not accept the token of registry-auth", base_.authority()));
  }
  authorization_ = fetch_token(headers, check);
  has_answered_ = true;
  return true;
}

RemoteAnswer RemoteSession::request_once(const std::string& method, Url url,
                                         const HttpHeaders& headers, size_t body_bytes_max,
                                         const StopCheck& check,
                                         const std::optional<HttpBody>& body) {
  for (int hops = 0; hops <= redirects_max;) {
    HttpRequest request = prepared(method, url, headers);
    request.body = body;
    HttpAnswer answer = client_.fetch(std::move(request), body_bytes_max, check);
    if (answer.status == 401 && is_same_party(base_, url)) {
      if (answer_challenge(answer.headers, check)) continue;
    }
    // Whatever came now ends this question; the next 401 - another scope, a token that has run out
    // - is a new one.
    note_accepted();
    const bool is_question = method == "GET" || method == "HEAD";
    if (!is_redirect(answer.status) || !is_question)
      return {answer.status, std::move(answer.headers), std::move(answer.body), url};
    url = follow(url, answer.headers);
    ++hops;
  }
  throw Error(ErrorCode::corrupt_data,
              fmt::format("{}: more than {} redirects", base_.authority(), redirects_max));
}

RemoteAnswer RemoteSession::request_without_credentials(const std::string& method, const Url& url,
                                                        const HttpHeaders& headers,
                                                        size_t body_bytes_max,
                                                        const StopCheck& check,
                                                        const std::optional<HttpBody>& body) {
  HttpRequest request = prepared(method, url, headers);
  std::erase_if(request.headers,
                [](const auto& header) { return header.first == "Authorization"; });
  request.body = body;
  HttpAnswer answer = client_.fetch(std::move(request), body_bytes_max, check);
  return {answer.status, std::move(answer.headers), std::move(answer.body), url};
}

RemoteAnswer RemoteSession::request(const std::string& method, const Url& url,
                                    const HttpHeaders& headers, size_t body_bytes_max,
                                    const StopCheck& check, const std::optional<HttpBody>& body) {
  Backoff backoff(settings_.retry_delay, settings_.tries_max);
  while (true) {
    std::optional<Error> failure;
    std::chrono::milliseconds at_least{0};
    try {
      RemoteAnswer answer = request_once(method, url, headers, body_bytes_max, check, body);
      if (!is_passing(answer.status)) return answer;
      failure.emplace(ErrorCode::unavailable, fmt::format("{}: {}", url.authority(),
                                                          status_text(answer.status, answer.body)));
      if (const std::string* after = find_header(answer.headers, "retry-after")) {
        const auto pause = parse_retry_after(*after, std::chrono::system_clock::now());
        if (pause && *pause > retry_after_max) {
          throw Error(ErrorCode::forbidden, fmt::format("{} wants to be left alone for {} s",
                                                        url.authority(), pause->count()));
        }
        if (pause) at_least = *pause;
      }
    } catch (const Error& error) {  // adds more tries
      if (error.code() != ErrorCode::unavailable) throw;
      failure = error;
    }
    const auto delay = backoff.next();
    if (!delay) throw *failure;
    log::debug(fmt::format("{}: again in {} ms", failure->what(), delay->count()));
    wait_for(std::max(*delay, at_least), check);
  }
}

std::string status_text(int status, const std::string& body) {
  constexpr size_t shown_bytes = 300;
  std::string text = std::to_string(status);
  if (!body.empty()) text += ": ";
  for (const char c : body.substr(0, shown_bytes)) text += c >= ' ' && c != 127 ? c : ' ';
  return text;
}

void throw_status(int status, const std::string& body, const std::string& what) {
  if (status == 404) throw Error(ErrorCode::not_found, what + "file does not exist");
  if (status == 401) throw Error(ErrorCode::unauthorized, what + "unauthorized: access denied");
  const ErrorCode code = status == 403                    ? ErrorCode::forbidden
                         : is_passing(status)             ? ErrorCode::unavailable
                         : status == 400 || status == 412 ? ErrorCode::unsupported
                                                          : ErrorCode::internal;
  throw Error(code, what + status_text(status, body));
}

}  // namespace hearth::registry

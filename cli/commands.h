// One function per command of `hearth`. Each returns the exit code; failures are thrown as Error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/answer.h"
#include "cli/client.h"

namespace hearth::cli {

struct RunOptions {
  std::string model;
  std::vector<std::string> prompt;  // words; joined by a space
  std::string keep_alive;           // "5m" or seconds; empty: the daemon's default
  std::string format;               // "json" or a schema
  std::string think;                // "true", "false" or a level; empty: the model's default
  bool hides_thinking = false;
  bool is_verbose = false;
  bool wraps_words = true;
  std::string truncate;      // of embeddings: "true" or "false"; empty: the daemon's default
  int64_t dimensions = 0;    // of embeddings; 0: the model's own
  bool is_insecure = false;  // when it has to be pulled first: plain http
};

// What `run` and `tour` talk to when no model is named: it comes with hearth.
constexpr const char* starter_model = "starter";

AnswerOptions answer_options(const RunOptions& options);
// Adds what the options say about any request: keep_alive, format, think.
void add_run_options(Json& body, const RunOptions& options);
// A Go duration as it is, whole seconds as a number. Throws Error{invalid_argument}.
Json keep_alive_value(const std::string& text);

struct CreateOptions {
  std::string model;
  std::string modelfile = "Modelfile";  // "-" reads standard input
  std::string quantize;
  std::string draft_quantize;
  bool is_linked = false;  // FROM's files are used where they lie
};

struct ShowOptions {
  std::string model;
  std::string section;  // license, modelfile, parameters, template, system; empty: the table
  bool is_verbose = false;
};

struct TokenizeOptions {
  std::string model;
  std::vector<std::string> words;  // joined by a space; none or "-": standard input
  bool has_special = false;        // names of control tokens in the text are read as them
  bool is_count = false;
  bool is_json = false;
};

struct BenchOptions {
  std::string model;
  std::vector<int32_t> clients = {1, 4, 16};  // one row each
  int32_t prompt = 512;                       // tokens of every prompt, the template's included
  int32_t generate = 128;                     // tokens of every answer, unless it ends by itself
  int32_t requests = 3;                       // of every client, one after another
  int32_t arrive = 0;         // tokens of a prompt that comes while all others are being answered
  int32_t shared_prefix = 0;  // tokens that all prompts begin with
  std::string schema;         // file with a JSON Schema that answers are bound to; empty: none
  int32_t bound = -1;         // so many clients ask for it; negative: all
  bool is_json = false;
};

struct TransferOptions {
  std::string model;
  bool is_insecure = false;  // plain http
  std::string limit_rate;    // bytes per second, "2M"; empty: as fast as the daemon lets it
};

struct GcOptions {
  bool is_dry_run = false;
  bool takes_downloads = false;
};

struct VerifyOptions {
  std::string model;  // empty: all
  bool repairs = false;
  bool is_insecure = false;  // by plain http
};

struct ImportOptions {
  std::string path;
  std::string model;  // empty: as files and folders are called
};

struct ListOptions {
  std::string prefix;
  bool shows_paths = false;
};

struct ConfigShowOptions {
  bool shows_origin = false;
  bool is_json = false;
};

int config_show(const Config& config, const ConfigShowOptions& options);
int config_path();
int serve(const Config& config, const std::vector<std::string>& arguments);
int run(const Client& client, const RunOptions& given);
int tour(const Client& client, const std::string& model);
int create(const Client& client, const CreateOptions& options);
int pull(const Client& client, const TransferOptions& options);
int push(const Client& client, const TransferOptions& options);
int gc(const Client& client, const GcOptions& options);
int verify(const Client& client, const VerifyOptions& options);
int import_place(const Client& client, const ImportOptions& options);
int list(const Client& client, const ListOptions& options);
int ps(const Client& client, const std::string& prefix);
int stop(const Client& client, const std::string& model);
int remove(const Client& client, const std::vector<std::string>& models);
int copy(const Client& client, const std::string& source, const std::string& destination);
int show(const Client& client, const ShowOptions& options);
int tokenize(const Client& client, const TokenizeOptions& options);
int detokenize(const Client& client, const TokenizeOptions& options);
// 1 when a request failed.
int bench(const Client& client, const BenchOptions& options);
int doctor(const Config& config, bool is_json);
int debug_render(const std::string& template_file, const std::string& context_file);

// Rows of `show` below "Model", as shown by /show info too.
std::string describe_model(const Json& shown, bool is_verbose);

}  // namespace hearth::cli

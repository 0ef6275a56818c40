// The words users read when a runner ends.
#include "daemon/death_cause.h"

#include <signal.h>

#include <catch2/catch.hpp>

using namespace hearth::daemon;

namespace {

// Wait statuses as Linux encodes them.
int by_signal(int number) {
  return number;
}
int by_exit(int code) {
  return code << 8;
}

DeathReport report(RunnerActivity activity, int wait_status) {
  DeathReport result;
  result.model_name = "llama3";
  result.activity = activity;
  result.wait_status = wait_status;
  return result;
}

}  // namespace

TEST_CASE("death: signals and exit codes") {
  DeathCause cause = explain(report(RunnerActivity::answering, by_signal(SIGKILL)));
  CHECK(cause.kind == DeathKind::signal);
  CHECK(cause.number == SIGKILL);
  CHECK(cause.message ==
        "the runner of model \"llama3\" was killed by signal 9 (SIGKILL) while answering; the "
        "model is loaded again "
        "with the next request");
  cause = explain(report(RunnerActivity::idle, by_signal(SIGSEGV)));
  CHECK(cause.message ==
        "the runner of model \"llama3\" was killed by signal 11 (SIGSEGV) while idle; the model is "
        "loaded again with "
        "the next request");
  cause = explain(report(RunnerActivity::loading, by_exit(3)));
  CHECK(cause.kind == DeathKind::exit_code);
  CHECK(cause.number == 3);
  CHECK_THAT(cause.message, Catch::Matchers::Contains("ended with exit code 3 while loading; "));
}

TEST_CASE("death: memory") {
  DeathReport killed = report(RunnerActivity::answering, by_signal(SIGKILL));
  killed.kernel_ran_out_of_memory = true;
  CHECK(explain(killed).kind == DeathKind::out_of_memory);
  CHECK_THAT(explain(killed).message,
             Catch::Matchers::Contains("most likely because memory ran out; "));
  killed.wait_status = by_signal(SIGSEGV);
  CHECK(explain(killed).kind == DeathKind::signal);
  const DeathCause cause =
      explain(report(RunnerActivity::loading, by_exit(hearth::engine::exit_out_of_memory)));
  CHECK(cause.kind == DeathKind::out_of_memory);
  CHECK_THAT(cause.message, Catch::Matchers::Contains("ran out of memory while loading; "));
}

TEST_CASE("death: what the daemon did itself comes first") {
  DeathReport hung = report(RunnerActivity::answering, by_signal(SIGKILL));
  hung.hang = "stopped answering for 120 s";
  CHECK(explain(hung).kind == DeathKind::hang);
  CHECK_THAT(
      explain(hung).message,
      Catch::Matchers::Contains("stopped answering for 120 s while answering and was ended"));
  DeathReport broken = report(RunnerActivity::idle, by_signal(SIGKILL));
  broken.protocol_violation = "CBOR at byte 3: ends early";
  CHECK(explain(broken).kind == DeathKind::protocol);
  CHECK_THAT(explain(broken).message, Catch::Matchers::Contains("(CBOR at byte 3: ends early)"));
  hung.was_asked_to_stop = true;
  CHECK(explain(hung).kind == DeathKind::stopped);
  CHECK(explain(hung).message == "the runner of model \"llama3\" was stopped");
}

TEST_CASE("death: last words") {
  DeathReport fatal = report(RunnerActivity::idle, by_exit(70));
  fatal.last_words = "hearthd 2 speaks version 2";
  CHECK(explain(fatal).kind == DeathKind::protocol);
  CHECK(explain(fatal).message ==
        "the runner of model \"llama3\" ended while idle: hearthd 2 speaks version 2");
  fatal.last_words_are_memory = true;
  CHECK(explain(fatal).kind == DeathKind::out_of_memory);
}

TEST_CASE("death: the kernel's counter can be read") {
  CHECK(kernel_memory_kills() >= 0);
}

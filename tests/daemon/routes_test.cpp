// The description of the API that the daemon serves has exactly the routes of the table.
#include "daemon/routes.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "api/openapi.h"

using namespace hearth;

TEST_CASE("openapi.json and the table of routes are equal") {
  std::set<std::string> served;
  for (const daemon::Route& route : daemon::routes()) {
    std::istringstream methods{std::string(route.methods)};
    for (std::string method; methods >> method;)
      CHECK(served.insert(method + " " + std::string(route.pattern)).second);
  }
  std::set<std::string> described;
  const auto document = nlohmann::json::parse(api::openapi_document());
  const auto& schemas = document["components"]["schemas"];
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      if (method == "parameters") continue;
      std::string name = method;
      for (char& letter : name) letter = static_cast<char>(letter - 'a' + 'A');
      described.insert(name + " " + path);
      INFO(name << " " << path);
      CHECK_FALSE(operation["summary"].get<std::string>().empty());
      const auto pointer =
          nlohmann::json::json_pointer("/requestBody/content/application~1json/schema/$ref");
      if (!operation.contains(pointer)) continue;
      const std::string reference = operation[pointer].get<std::string>();
      CHECK(schemas.contains(reference.substr(reference.rfind('/') + 1)));
    }
  }
  CHECK(described == served);
}

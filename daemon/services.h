// What handlers work with: one of each, made by run() and alive as long as the server.
#pragma once

namespace hearth::registry {
class ModelStore;
}

namespace hearth::daemon {

struct Config;
struct AccessRules;
class WorkerPool;
class ModelLibrary;
class ModelManager;
class ChatService;
class EmbedService;
class TokenizeService;

struct Services {
  const Config& config;
  const AccessRules& access;
  WorkerPool& workers;
  registry::ModelStore& store;
  ModelLibrary& library;
  ModelManager& manager;
  ChatService& chat;
  EmbedService& embed;
  TokenizeService& tokenize;
};

}  // namespace hearth::daemon

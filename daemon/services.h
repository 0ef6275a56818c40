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
class ResponseStore;
class TokenizeService;
class TransferService;

struct Services {
  const Config& config;
  const AccessRules& access;
  WorkerPool& workers;
  WorkerPool& long_workers;  // for what may take hours
  registry::ModelStore& store;
  ModelLibrary& library;
  ModelManager& manager;
  ChatService& chat;
  EmbedService& embed;
  TokenizeService& tokenize;
  TransferService& transfers;
  ResponseStore& responses;
};

}  // namespace hearth::daemon

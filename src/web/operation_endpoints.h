// The API of long operations. Looking needs no token: it shows what /api/status shows anyway, and the path of a file
// whose permissions protect it. Everything else does (api_access.h).
//
//   POST   /api/restores              {"clientId", "to" or "download", "at" or "txid"} -> 202, the operation
//   POST   /api/verifications         {"clientId"} -> 202, the operation
//   GET    /api/operations            newest first
//   GET    /api/operations/ID         one
//   DELETE /api/operations/ID         cancels it
//   GET, POST /api/operations/ID/file what a download made; POST: the token may be the field `token` of a form
//
// Errors are {"error": what, where, how to mend it}.
#pragma once

#include "web/api_access.h"
#include "web/operations.h"
#include "web/server/router.h"

namespace web {

// What the endpoints share; outlives them.
struct OperationsContext {
  Operations* operations = nullptr;  // null: nothing can be started here
  ApiAccess access;
};

class StartRestoreEndpoint final : public Endpoint {
 public:
  explicit StartRestoreEndpoint(const OperationsContext& context) : context_(context) {}
  [[nodiscard]] std::string_view methods() const override { return "POST"; }
  Response handle(const Request& request) override;

 private:
  const OperationsContext& context_;
};

class StartVerificationEndpoint final : public Endpoint {
 public:
  explicit StartVerificationEndpoint(const OperationsContext& context) : context_(context) {}
  [[nodiscard]] std::string_view methods() const override { return "POST"; }
  Response handle(const Request& request) override;

 private:
  const OperationsContext& context_;
};

class OperationsEndpoint final : public Endpoint {
 public:
  explicit OperationsEndpoint(const OperationsContext& context) : context_(context) {}
  Response handle(const Request& request) override;

 private:
  const OperationsContext& context_;
};

class OperationEndpoint final : public Endpoint {
 public:
  static constexpr std::string_view kPath = "/api/operations/";
  explicit OperationEndpoint(const OperationsContext& context) : context_(context) {}
  [[nodiscard]] std::string_view methods() const override { return "GET, HEAD, DELETE"; }
  Response handle(const Request& request) override;

 private:
  const OperationsContext& context_;
};

class OperationFileEndpoint final : public Endpoint {
 public:
  static constexpr std::string_view kSuffix = "/file";
  explicit OperationFileEndpoint(const OperationsContext& context) : context_(context) {}
  [[nodiscard]] std::string_view methods() const override { return "GET, HEAD, POST"; }
  Response handle(const Request& request) override;

 private:
  const OperationsContext& context_;
};

}  // namespace web

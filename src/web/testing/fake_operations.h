// Operations for tests of the API: they are queued and stay so, and one download is there.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "web/operations.h"

namespace web::testing {

// A file whose every byte is known, and as large as a test wants.
class PatternBody final : public BodySource {
 public:
  explicit PatternBody(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}
  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
  base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) override {
    const std::size_t count = std::min<std::uint64_t>(out.size(), size_bytes_ - offset);
    for (std::size_t i = 0; i < count; ++i) out[i] = byte_at(offset + i);
    return count;
  }
  static std::uint8_t byte_at(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * 2654435761U >> 13U); }

 private:
  std::uint64_t size_bytes_;
};

class FakeOperations final : public Operations {
 public:
  explicit FakeOperations(std::uint64_t download_bytes = 0) : download_bytes_(download_bytes) {}

  base::Result<Operation> start_restore(RestoreRequest request) override {
    if (request.client_id == "full") return base::fail(base::Category::throttled, "too many");
    if (request.client_id == "there") return base::fail(base::Category::conflict, "it exists");
    return add(OperationKind::restore, std::move(request));
  }
  base::Result<Operation> start_verification(const std::string& client_id) override {
    RestoreRequest request;
    request.client_id = client_id;
    return add(OperationKind::verification, std::move(request));
  }
  [[nodiscard]] std::vector<Operation> list() const override {
    return operations_.with([](const auto& all) { return std::vector<Operation>(all.rbegin(), all.rend()); });
  }
  [[nodiscard]] std::optional<Operation> find(std::string_view id) const override {
    for (const Operation& operation : list()) {
      if (operation.id == id) return operation;
    }
    return std::nullopt;
  }
  base::Result<Operation> cancel(std::string_view id) override {
    return operations_.with([id](auto& all) -> base::Result<Operation> {
      for (Operation& operation : all) {
        if (operation.id != id) continue;
        if (is_over(operation.state)) return base::fail(base::Category::conflict, "it is over");
        operation.state = OperationState::cancelled;
        return operation;
      }
      return base::fail(base::Category::not_found, "no such operation");
    });
  }
  base::Result<Download> open_download(std::string_view id) override {
    if (id != "1") return base::fail(base::Category::not_found, "no such operation");
    return Download{.name = "a-000000000000002a.db", .file = std::make_shared<PatternBody>(download_bytes_)};
  }

 private:
  base::Result<Operation> add(OperationKind kind, RestoreRequest request) {
    return operations_.with([&](auto& all) {
      Operation operation;
      operation.id = std::to_string(all.size() + 1);
      operation.kind = kind;
      operation.request = std::move(request);
      operation.queued = base::UnixMillis{1'700'000'000'000};
      all.push_back(operation);
      return operation;
    });
  }

  std::uint64_t download_bytes_;
  base::Guarded<std::vector<Operation>> operations_;
};

}  // namespace web::testing

// What every object store must do, whatever it is made of: the fixture of the suite and its helpers.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/store_under_test.h"

namespace conformance {

using storage::OnExisting;

class Store : public testing::TestWithParam<StoreUnderTest> {
 protected:
  Store() : opened_(GetParam().open()) {}
  [[nodiscard]] storage::ObjectStore& store() const { return *opened_.store; }
  // Destroys the store, as a shutdown does.
  void close() { opened_.store.reset(); }

  base::Result<storage::PutResult> put(const std::string& key, std::string_view text,
                                       OnExisting on_existing = OnExisting::fail_with_conflict);
  base::Result<std::string> get(const std::string& key, std::uint64_t offset = 0,
                                std::optional<std::uint64_t> length = std::nullopt);
  std::vector<std::string> keys(const std::string& prefix = "");
  base::Result<storage::ListPage> list(storage::ListRequest request);
  // A put that has begun; its answer comes later.
  std::future<base::Result<storage::PutResult>> begin_put(const std::string& key, std::string_view text,
                                                          storage::CallContext context = {});

 private:
  Opened opened_;
};

std::shared_ptr<const storage::Body> body_of(std::string_view text);

// Bytes that differ everywhere, made as they are read: a large upload without the memory for it.
class PatternBody final : public storage::Body {
 public:
  explicit PatternBody(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}
  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
  base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const override;
  static std::uint8_t byte_at(std::uint64_t offset);

 private:
  std::uint64_t size_bytes_;
};

template <typename T>
base::Category category_of(const base::Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? base::Category::io : result.error().category;
}

}  // namespace conformance

#include "conformance/store_conformance.h"

#include <algorithm>

namespace conformance {

std::shared_ptr<const storage::Body> body_of(std::string_view text) {
  const auto bytes = base::as_bytes(text);
  return std::make_shared<storage::MemoryBody>(base::Bytes(bytes.begin(), bytes.end()));
}

std::uint8_t PatternBody::byte_at(std::uint64_t offset) {
  return static_cast<std::uint8_t>((offset * 2654435761U) >> 13);
}

base::Result<> PatternBody::read_at(std::uint64_t offset, base::MutableByteView out) const {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = byte_at(offset + i);
  return {};
}

base::Result<storage::PutResult> Store::put(const std::string& key, std::string_view text, OnExisting on_existing) {
  return storage::put_and_wait(store(),
                               {.key = base::ObjectKey{key}, .body = body_of(text), .on_existing = on_existing});
}

base::Result<std::string> Store::get(const std::string& key, std::uint64_t offset,
                                     std::optional<std::uint64_t> length) {
  TRY_ASSIGN(const base::Bytes bytes,
             storage::get_and_wait(store(), {.key = base::ObjectKey{key}, .offset = offset, .length = length}));
  return std::string(base::as_text(bytes));
}

std::vector<std::string> Store::keys(const std::string& prefix) {
  const auto objects = storage::list_all_and_wait(store(), prefix);
  EXPECT_TRUE(objects.has_value()) << (objects ? "" : objects.error().message);
  std::vector<std::string> result;
  if (objects) std::ranges::transform(*objects, std::back_inserter(result), [](auto& o) { return o.key.value; });
  return result;
}

base::Result<storage::ListPage> Store::list(storage::ListRequest request) {
  std::promise<base::Result<storage::ListPage>> promise;
  store().list(std::move(request), {}, [&](auto page) { promise.set_value(std::move(page)); });
  return promise.get_future().get();
}

std::future<base::Result<storage::PutResult>> Store::begin_put(const std::string& key, std::string_view text,
                                                               storage::CallContext context) {
  auto promise = std::make_shared<std::promise<base::Result<storage::PutResult>>>();
  store().put({.key = base::ObjectKey{key}, .body = body_of(text)}, std::move(context),
              [promise](base::Result<storage::PutResult> result) { promise->set_value(std::move(result)); });
  return promise->get_future();
}

}  // namespace conformance

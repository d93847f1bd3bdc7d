// A store that writes each request on the bill: who it is for stands in the key, what it is for follows from whose view
// this is. Everything else is the other store's.
#pragma once

#include "engine/bill.h"
#include "storage/object_store.h"

namespace engine {

class MeteredStore final : public storage::ObjectStore {
 public:
  // Who sends requests through this view.
  enum class User : std::uint8_t { clients, upkeep };

  // Both outlive it.
  MeteredStore(storage::ObjectStore& store, Bill& bill, User user) : store_(store), bill_(bill), user_(user) {}

  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override;
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) override;
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override;
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override;
  [[nodiscard]] storage::KeyLayout layout() const override { return store_.layout(); }
  [[nodiscard]] std::string display_url() const override { return store_.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return store_.counts(); }

 private:
  [[nodiscard]] storage::CallContext charged(storage::CallContext context, Purpose purpose, std::string_view key);

  storage::ObjectStore& store_;
  Bill& bill_;
  const User user_;
};

}  // namespace engine

// The state database after anything happened to its bytes: a valid one is damaged by instructions from the input, then
// opened. It opens, or says what is wrong; what it tells is usable or refused. Slow (a real SQLite file in memory).
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/ledger.h"
#include "fuzz.h"
#include "os/testing.h"

namespace {

const std::vector<char>& valid_state() {
  static const std::vector<char> bytes = [] {
    const os::testing::TempDir dir;
    {
      auto ledger = *engine::Ledger::open(dir / "state.db");
      for (int i = 0; i < 3; ++i) {
        const base::DatabaseId id("6b1d2b6c-0f3e-4d6e-8a55-2f6f0f0f9e1" + std::to_string(i));
        auto client = *ledger->find_or_create(id, "/data/" + id.value + ".db", base::UnixMillis(1));
        engine::Acknowledgement ack;
        ack.txid = base::Txid(1);
        ack.page_size = 4096;
        ack.page_count = 700;
        ack.replaces_index = true;
        for (std::uint32_t page = 1; page <= ack.page_count; ++page) {
          ack.pages.push_back({page, 0x8000000000000000U | page});
          ack.database_checksum ^= ack.pages.back().checksum;
        }
        MUST(ledger->acknowledge(client.row, ack).has_value());
      }
      MUST(ledger->mark_clean().has_value());
    }
    std::ifstream in((dir / "state.db").string(), std::ios::binary);
    return std::vector<char>(std::istreambuf_iterator<char>(in), {});
  }();
  return bytes;
}

void use(engine::Ledger& ledger) {
  if (!ledger.bind_to_bucket("s3://bucket")) return;
  auto clients = ledger.load_all();
  if (!clients) return;
  for (const engine::ClientRecord& client : *clients) {
    auto index = ledger.page_index(client.row, std::min(client.page_count, 2000U));
    if (index) MUST(index->size() == std::min(client.page_count, 2000U));
    static_cast<void>(ledger.checksums(client.row, {1, 2, 300}));
    static_cast<void>(ledger.record_attempt(client.row, base::Txid(5)));
    static_cast<void>(ledger.record_quiet(client.row, client.position, client.fingerprint));
  }
  static_cast<void>(ledger.mark_clean());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  std::vector<char> bytes = valid_state();
  const std::uint8_t cut = input.byte();
  while (!input.rest().empty()) {
    const std::uint64_t at = input.number(2);
    bytes[at % bytes.size()] = static_cast<char>(input.byte());
  }
  if (cut < 64) bytes.resize(bytes.size() * cut / 64);
  const os::testing::TempDir dir;
  std::ofstream((dir / "state.db").string(), std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  auto ledger = engine::Ledger::open(dir / "state.db");
  if (ledger) {
    use(**ledger);
  } else {
    MUST(ledger.error().message.find("state") != std::string::npos);
  }
  return 0;
}

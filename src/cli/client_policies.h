// What holds for each client: the settings of all, and over them the [[client]] blocks of the configuration whose match
// fits (client_match.h), from the first to the last: the last block that says something about a setting counts. A block
// also stands above a flag, because a flag says nothing about single clients.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config_check.h"
#include "cli/layers.h"
#include "engine/client_policy.h"

namespace cli {

// One thread. Clients that the same blocks speak of share one policy, so what this costs does not grow with them.
class ClientPolicies {
 public:
  // REQUIRES: the blocks were checked.
  ClientPolicies(engine::ClientPolicy for_all, std::vector<ClientBlock> blocks)
      : for_all_(for_all), blocks_(std::move(blocks)) {}

  // `path` is that below the watched directory.
  std::shared_ptr<const engine::ClientPolicy> of(std::string_view id, std::string_view path);

 private:
  engine::ClientPolicy for_all_;
  std::vector<ClientBlock> blocks_;
  std::map<std::vector<bool>, std::shared_ptr<const engine::ClientPolicy>> known_;  // by the blocks that match
};

// The settings of one client, and the block that said each; the others have the origins that `for_all` knows.
std::vector<EffectiveSetting> explain_client(engine::ClientPolicy policy, std::span<const EffectiveSetting> for_all,
                                             std::span<const ClientBlock> blocks, std::string_view id,
                                             std::string_view path);

}  // namespace cli

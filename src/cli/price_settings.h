// Settings that are decimal numbers, and the price table (history/cost.h) as such.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"
#include "history/cost.h"

namespace cli {

// From 0 to `max`. Writes into `field`, which must outlive it.
Setting decimal_setting(std::string name, double& field, double max, const std::string& help);

// Likewise; SIGHUP is enough for them.
void add_price_settings(std::vector<Setting>& settings, history::PriceTable& prices);
// Those of them that a restore is about.
void add_reading_price_settings(std::vector<Setting>& settings, history::PriceTable& prices);

}  // namespace cli

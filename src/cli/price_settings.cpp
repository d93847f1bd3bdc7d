#include "cli/price_settings.h"

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "cli/values.h"

namespace cli {
namespace {

constexpr double kPriceMax = 1000;

Setting price_setting(std::string name, double& field, const std::string& help) {
  Setting setting = decimal_setting(std::move(name), field, kPriceMax, help);
  setting.placeholder = "PRICE";
  setting.effect = Effect::at_reload;
  return setting;
}

Setting get_price(history::PriceTable& prices) {
  return price_setting("price-get", prices.get_per_1000, "Price of 1,000 requests that read.");
}
Setting list_price(history::PriceTable& prices) {
  return price_setting("price-list", prices.list_per_1000, "Price of 1,000 requests that list.");
}
Setting head_price(history::PriceTable& prices) {
  return price_setting("price-head", prices.head_per_1000, "Price of 1,000 requests that only look (HEAD).");
}
Setting download_price(history::PriceTable& prices) {
  return price_setting("price-download", prices.download_per_gb,
                       "Price of a GB (2^30 bytes) read from the bucket; free at Amazon inside the region.");
}

}  // namespace

Setting decimal_setting(std::string name, double& field, double max, const std::string& help) {
  const std::string range = fmt::format("0 to {:.0f}", max);
  Setting setting{std::move(name),
                  "NUMBER",
                  fmt::format("{}", field),
                  help + " " + range + ".",
                  Arity::value,
                  [&field, max, range](std::string_view text) -> base::Result<> {
                    TRY_ASSIGN(const double number, parse_decimal(text));
                    if (number > max) {
                      return base::fail(base::Category::invalid,
                                        "\"" + std::string(text) + "\" is out of range; give " + range);
                    }
                    field = number;
                    return {};
                  }};
  setting.type = ValueType::decimal;
  setting.range = range;
  setting.current = [&field] { return fmt::format("{}", field); };
  return setting;
}

void add_price_settings(std::vector<Setting>& settings, history::PriceTable& prices) {
  settings.push_back(price_setting("price-put", prices.put_per_1000,
                                   "What the bucket's provider takes for 1,000 requests that store something. The "
                                   "prices set are Amazon's for S3 Standard in us-east-1, in dollars."));
  settings.push_back(get_price(prices));
  settings.push_back(list_price(prices));
  settings.push_back(head_price(prices));
  settings.push_back(price_setting("price-delete", prices.delete_per_1000,
                                   "Price of 1,000 deletions, each of up to 1,000 objects; free at Amazon."));
  settings.push_back(
      price_setting("price-storage", prices.storage_per_gb_month, "Price of a GB (2^30 bytes) stored for a month."));
  settings.push_back(download_price(prices));
}

void add_reading_price_settings(std::vector<Setting>& settings, history::PriceTable& prices) {
  settings.push_back(get_price(prices));
  settings.push_back(list_price(prices));
  settings.push_back(head_price(prices));
  settings.push_back(download_price(prices));
}

}  // namespace cli

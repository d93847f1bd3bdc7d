// The fleet as Prometheus text. Names are Litestream's where the meaning is the same
// (litestream_replica_operation_total, litestream_db_size ...), so that its dashboards keep working; the rest is
// litestream_manager_*.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/status.h"
#include "metrics/process_stats.h"

namespace web {

// Series per client multiply with the fleet, so they are written only on request.
enum class ClientSeries { none, each };

struct MetricsContext {
  std::string_view version;  // of this program
  base::UnixMillis now{0};
  metrics::ProcessStats process;
  ClientSeries client_series = ClientSeries::none;
};

std::string render_fleet_metrics(const engine::FleetStatus& fleet, const MetricsContext& context);

}  // namespace web

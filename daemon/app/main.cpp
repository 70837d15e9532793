// gimsd: the messaging daemon (docs/architecture.md).
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/gimsd.hpp"
#include "base/log.hpp"

int main(int argc, char** argv) {
  CLI::App app("The messaging daemon. Serves until SIGTERM.");
  std::string config = "/etc/gims/gimsd.toml";
  bool check_only = false;
  app.add_option("--config", config, "The configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "Read the configuration, tell what is wrong, and end");
  CLI11_PARSE(app, argc, argv);

  auto settings = gims::app::load_settings(config);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().text.c_str());
    return 2;
  }
  if (check_only) return 0;
  const auto ran = gims::app::run_gimsd(std::move(*settings));
  if (!ran) gims::log::failure(gims::log::id::cannot_run, "gimsd cannot run", ran.error());
  return ran ? 0 : 1;
}

// gimsd-testsite: a server for conformance suites (docs/developing.md). Never part of a release.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "testsite/testsite.hpp"

namespace {

int tell(const gims::Error& error) {
  std::fprintf(stderr, "gimsd-testsite: %s %s\n", error.text.c_str(), error.detail.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "A GIMS server for tests: plain HTTP, open registration, nothing withheld, no limits. Runs "
      "until SIGTERM. Not for real messages.");
  gims::testsite::Options options;
  bool print_routes = false;
  app.add_option("--listen", options.listen, "Address and port of plain HTTP: 127.0.0.1:8008");
  app.add_option("--server-name", options.server_name, "Matrix server name");
  app.add_option("--data", options.data, "Folder of the database, media and keys; made if missing");
  app.add_option("--room-version", options.room_version, "Version of new rooms")
      ->check(CLI::IsMember({"10", "11", "12"}))
      ->capture_default_str();
  app.add_option("--shared-secret", options.shared_secret,
                 "Secret of /_synapse/admin/v1/register; without, there is no such address");
  app.add_option("--relay-host", options.relay_host,
                 "Name this as the relay for calls; without, there is none");
  auto* tls = app.add_option("--tls-listen", options.tls_listen, "Also TLS here: 127.0.0.1:8448");
  auto* cert = app.add_option("--tls-cert", options.tls_cert, "Its certificate and chain, PEM");
  auto* key = app.add_option("--tls-key", options.tls_key, "Its key, PEM");
  tls->needs(cert, key);
  app.add_flag("--rate-limits", options.rate_limits,
               "Limit with the product's bursts, which then hardly refill");
  app.add_flag("--print-routes", print_routes, "Print every route as JSON, and end");
  CLI11_PARSE(app, argc, argv);

  if (print_routes) {
    const auto routes = gims::testsite::describe_routes();
    if (!routes) return tell(routes.error());
    std::printf("%s\n", routes->c_str());
    return 0;
  }
  if (options.listen.empty() || options.server_name.empty() || options.data.empty()) {
    std::fputs("gimsd-testsite: --listen, --server-name and --data are needed (--help)\n", stderr);
    return 2;
  }
  const auto ran = gims::testsite::run(options);
  return ran ? 0 : tell(ran.error());
}

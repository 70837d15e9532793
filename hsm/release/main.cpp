// gims-release-policy: computes and signs what a release allows a unit's TPM to do
// (docs/protocol-keyd.md, "The release's policy"). Run where the release is built; needs no TPM.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "hsm/release/commands.hpp"

int main(int argc, char** argv) {
  namespace release = gims::hsm::release;
  CLI::App app("Signs what a release of GIMS allows a unit's TPM to do.");
  app.require_subcommand(1);

  release::SignArguments sign;
  CLI::App* const signing = app.add_subcommand("sign", "Make a release's policy file");
  signing->add_option("--key", sign.key_file, "The release key: P-256, PEM, without a passphrase")
      ->required();
  signing->add_option("--release", sign.number, "The release's number, 1 or more; never one again")
      ->required();
  signing
      ->add_option("--boot", sign.boots,
                   "NAME=DIGEST: a way in which the image starts, and the SHA-256 value of PCR 11 "
                   "then, in hex; repeatable")
      ->required();
  signing->add_option("--out", sign.out_file, "The file to write")->required();

  release::ManifestArguments manifest;
  CLI::App* const listing = app.add_subcommand(
      "manifest", "Make the file by which others tell whether a unit runs the release");
  listing->add_option("--key", manifest.key_file, "The release key, as above")->required();
  listing->add_option("--release", manifest.number, "The release's number")->required();
  listing->add_option("--name", manifest.name, "What the release is called: \"GIMS 1.4.0\"")
      ->required();
  listing->add_option("--value", manifest.values,
                      "PCR:NAME=DIGEST,DIGEST: what a PCR may hold; none: nothing is measured into "
                      "it; repeatable");
  listing->add_option("--event", manifest.events,
                      "PCR:NAME=DIGEST,DIGEST: an event, in the order in which they are measured; "
                      "repeatable");
  listing->add_option("--section", manifest.sections,
                      "NAME=FILE: a section of the unified kernel image (PCR 11), in the order in "
                      "which they are measured; repeatable");
  listing->add_option("--phase", manifest.phases,
                      "A phase of the start, after the sections, which may not have come yet; "
                      "repeatable");
  listing->add_option("--out", manifest.out_file, "The file to write")->required();

  std::string shown;
  CLI::App* const showing = app.add_subcommand("show", "Tell what a policy file allows");
  showing->add_option("FILE", shown, "The policy file")->required();

  std::string key_file;
  CLI::App* const telling =
      app.add_subcommand("public-key", "Print the public half of a release key, PEM");
  telling->add_option("--key", key_file, "The release key")->required();
  CLI11_PARSE(app, argc, argv);

  const auto done = signing->parsed()   ? release::run_sign(sign)
                    : listing->parsed() ? release::run_manifest(manifest)
                    : showing->parsed() ? release::run_show(shown)
                                        : release::run_public_key(key_file);
  if (!done) {
    std::cerr << "gims-release-policy: " << done.error().text << '\n';
    return 1;
  }
  std::cout << *done;
  return 0;
}

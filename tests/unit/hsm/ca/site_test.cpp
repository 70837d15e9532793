#include "hsm/ca/site.hpp"

#include <gtest/gtest.h>

#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

TEST(SiteNames, DnsNamesAreOfLabels) {
  for (const char* good : {"gims.internal", "a", "a-b.c1", "1.example", "xn--p1b6ci4b4b3a.in"}) {
    EXPECT_TRUE(is_dns_name(good)) << good;
  }
  const std::string label(63, 'a');
  EXPECT_TRUE(is_dns_name(label + ".in"));
  EXPECT_FALSE(is_dns_name(label + "a.in"));
  const std::string name = label + "." + label + "." + label + ".";
  EXPECT_TRUE(is_dns_name(name + std::string(61, 'a')));
  EXPECT_FALSE(is_dns_name(name + std::string(62, 'a')));
  for (const char* wrong :
       {"", ".", "a.", ".a", "a..b", "-a", "a-", "A.b", "a_b", "*.a", "192.0.2.1", "a b", "a:1"}) {
    EXPECT_FALSE(is_dns_name(wrong)) << wrong;
  }
}

TEST(SiteNames, EveryParameterIsChecked) {
  const auto refused = [](auto change) {
    SiteParameters site = test::site_parameters();
    change(site);
    const auto checked = check_site(site);
    return !checked && checked.error().code == "GIMS_KEYD_REQUEST";
  };
  EXPECT_TRUE(check_site(test::site_parameters()));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.server_name = "gims.internal:8443"; }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.organisation = ""; }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.organisation = std::string(65, 'a'); }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.dns_names.push_back("*.gims.internal"); }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.dns_names.push_back("gims.internal"); }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.addresses.push_back({1, 2, 3}); }));
  EXPECT_TRUE(refused([](SiteParameters& s) { s.addresses.push_back(s.addresses[0]); }));
  EXPECT_TRUE(refused([](SiteParameters& s) {
    s.dns_names.clear();
    s.addresses.clear();
  }));
}

TEST(SiteNames, ADomainCoversWhatLiesBelowIt) {
  SiteParameters site = test::site_parameters();
  EXPECT_EQ(domains_of(site), std::vector<std::string>{"gims.internal"});
  site.server_name = "internal.example";
  site.dns_names = {"chat.gims.internal", "notgims.internal", "gims.internal"};
  EXPECT_EQ(domains_of(site),
            (std::vector<std::string>{"notgims.internal", "gims.internal", "internal.example"}));
}

}  // namespace
}  // namespace gims::hsm

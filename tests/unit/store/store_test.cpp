#include "store/store.hpp"

#include <gtest/gtest.h>

#include "store/statements/meta.hpp"
#include "support/store_under_test.hpp"

namespace gims::store {
namespace {

using statements::MetaValue;
using statements::SetMetaValue;
using test::StoreUnderTest;

Result<> set(Transaction& transaction, std::string_view name, std::string_view value) {
  return sql::run(transaction.sql(), SetMetaValue{.name = name, .value = value});
}

std::optional<std::string> value_of(Reader& reader, std::string_view name) {
  auto row = sql::first(reader.sql(), MetaValue{.name = name});
  EXPECT_TRUE(row);
  if (!row || !*row) return std::nullopt;
  return (**row).value;
}

std::optional<std::string> value_of(Store& store, std::string_view name) {
  auto reader = store.read();
  EXPECT_TRUE(reader);
  return value_of(*reader, name);
}

TEST(Store, WhatWasAcknowledgedIsThereAfterReopening) {
  StoreUnderTest store;
  ASSERT_TRUE(store.write([](Transaction& t) { return set(t, "a", "1"); }));
  EXPECT_EQ(value_of(*store, "a"), "1");
  store.reopen();
  EXPECT_EQ(value_of(*store, "a"), "1");
}

TEST(Store, AReaderKeepsItsSnapshot) {
  StoreUnderTest store;
  auto before = store->read();
  ASSERT_TRUE(before);
  const StreamId position = before->position();
  ASSERT_TRUE(store.write([](Transaction& t) {
    t.next_position();
    return set(t, "a", "1");
  }));
  EXPECT_EQ(value_of(*before, "a"), std::nullopt);
  auto after = store->read();
  ASSERT_TRUE(after);
  EXPECT_EQ(value_of(*after, "a"), "1");
  EXPECT_EQ(after->position(), position + 1);
  EXPECT_EQ(store->position(), position + 1);
}

TEST(Store, PositionsGoOnAfterARestart) {
  StoreUnderTest store;
  const auto take = [](Transaction& t) -> Result<StreamId> { return t.next_position(); };
  const auto first = store.write(take);
  store.reopen();
  const auto second = store.write(take);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*second, *first + 1);
}

}  // namespace
}  // namespace gims::store

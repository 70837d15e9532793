#include "http/mailbox.hpp"

#include <utility>

namespace gims::http {

bool Mailbox::post(Post post) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    first = posts_.empty();
    posts_.push_back(std::move(post));
  }
  // One ring for all that come before the loop looks.
  if (first) bell_.signal();
  return true;
}

void Mailbox::take(std::vector<Post>& into) {
  // The bell first: a post between the two rings again.
  bell_.drain();
  const std::lock_guard lock(mutex_);
  into.swap(posts_);
}

void Mailbox::close() {
  std::vector<Post> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  posts_.swap(dropped);
}

}  // namespace gims::http

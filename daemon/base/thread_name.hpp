// What a thread is called in ps, top and a profile.
#pragma once

namespace gims {

// Names the calling thread; at most 15 bytes, or the name stays as it was (pthread_setname_np(3)).
void name_this_thread(const char* name) noexcept;

}  // namespace gims

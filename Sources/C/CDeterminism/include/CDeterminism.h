// Virtual time and seeded randomness for C libraries that read both behind our back.
//
// libssl takes the time for its DTLS timers from gettimeofday and everything random from the global
// RAND method; usrsctp takes both from gettimeofday and read_random. This file answers all three: with
// the caller's values while a scope is open on this thread, with the system's otherwise.
#pragma once
#include <stdint.h>

/// The state of one seeded byte stream (xoshiro256**); any values but all zero.
typedef struct assay_random_state {
  uint64_t s[4];
} assay_random_state;

/// Opens a scope on this thread: until `assay_determinism_end`, gettimeofday answers
/// `nanoseconds` and the random bytes of OpenSSL and usrsctp come from `random`. Scopes do not nest.
void assay_determinism_begin(int64_t nanoseconds, assay_random_state *random);

/// Closes the scope of this thread.
void assay_determinism_end(void);

/// From now on scopes change nothing: for a server on real sockets, whose keys nobody may guess.
void assay_determinism_disable(void);

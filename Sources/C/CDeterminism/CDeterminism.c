#define _GNU_SOURCE
#include "CDeterminism.h"

#include <errno.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

static _Thread_local int64_t virtual_nanoseconds;
static _Thread_local assay_random_state *virtual_random;
static int is_disabled;

// The executable's definition wins over libc's for every library it loads.
int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
  (void)tz;
  int64_t nanoseconds = virtual_nanoseconds;
  if (virtual_random == NULL) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  }
  tv->tv_sec = nanoseconds / 1000000000;
  tv->tv_usec = nanoseconds % 1000000000 / 1000;
  return 0;
}

static uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t next(assay_random_state *r) {
  uint64_t *s = r->s;
  uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

static void fill(assay_random_state *random, unsigned char *out, int count) {
  while (count > 0) {
    uint64_t word = next(random);
    int n = count < 8 ? count : 8;
    memcpy(out, &word, (size_t)n);
    out += n;
    count -= n;
  }
}

static int seeded_bytes(unsigned char *out, int count) {
  if (virtual_random == NULL) return RAND_OpenSSL()->bytes(out, count);
  fill(virtual_random, out, count);
  return 1;
}

// usrsctp's own source of tags, cookies' keys and initial sequence numbers; ours wins, as above.
int read_random(void *out, int count) {
  if (virtual_random != NULL) {
    fill(virtual_random, out, count);
    return count;
  }
  for (int done = 0; done < count;) {
    ssize_t n = getrandom((char *)out + done, (size_t)(count - done), 0);
    if (n > 0) done += (int)n;
    else if (errno != EINTR) abort();
  }
  return count;
}

static int seeded_status(void) { return virtual_random ? 1 : RAND_OpenSSL()->status(); }

static const RAND_METHOD seeded_method = {
    .bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};

static pthread_once_t installed = PTHREAD_ONCE_INIT;
static void install(void) { RAND_set_rand_method(&seeded_method); }

void assay_determinism_disable(void) { is_disabled = 1; }

void assay_determinism_begin(int64_t nanoseconds, assay_random_state *random) {
  if (is_disabled) return;
  pthread_once(&installed, install);
  virtual_nanoseconds = nanoseconds;
  virtual_random = random;
}

void assay_determinism_end(void) { virtual_random = NULL; }

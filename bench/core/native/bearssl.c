/* Peer: shared secrets by the implementation that BearSSL picks for this machine. Reads "OP CALLS" lines, answers with
 * the nanoseconds of CPU time that the calls took. */
#include <bearssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(void) {
  const br_ec_impl *ec = br_ec_get_default();
  char op[32];
  long calls;
  while (scanf("%31s %ld", op, &calls) == 2) {
    int curve = strcmp(op, "x25519") ? BR_EC_secp256r1 : BR_EC_curve25519;
    size_t length;
    const unsigned char *generator = ec->generator(curve, &length);
    unsigned char point[65], scalar[32];
    double start;
    for (int i = 0; i < 32; i++) scalar[i] = (unsigned char)(37 * i + 11);
    memcpy(point, generator, length);
    start = now();
    for (long i = 0; i < calls; i++)
      if (!ec->mul(point, length, scalar, 32, curve)) return 1;
    printf("%.0f\n", now() - start);
    fflush(stdout);
  }
  return 0;
}

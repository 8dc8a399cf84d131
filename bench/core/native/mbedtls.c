/* Peer: shared secrets by mbedTLS, called as its documentation has it (blinded by CTR_DRBG). Reads "OP CALLS" lines,
 * answers with the nanoseconds of CPU time that the calls took. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/entropy.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static mbedtls_ctr_drbg_context drbg;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(void) {
  char op[32];
  long calls;
  mbedtls_entropy_context entropy;
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&drbg);
  if (mbedtls_ctr_drbg_seed(&drbg, mbedtls_entropy_func, &entropy, NULL, 0)) return 1;
  while (scanf("%31s %ld", op, &calls) == 2) {
    mbedtls_ecp_group group;
    mbedtls_ecp_point own, peer;
    mbedtls_mpi scalar, secret;
    unsigned char out[32];
    double start;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&own);
    mbedtls_ecp_point_init(&peer);
    mbedtls_mpi_init(&scalar);
    mbedtls_mpi_init(&secret);
    if (mbedtls_ecp_group_load(&group, strcmp(op, "x25519") ? MBEDTLS_ECP_DP_SECP256R1 : MBEDTLS_ECP_DP_CURVE25519))
      return 1;
    if (mbedtls_ecdh_gen_public(&group, &scalar, &peer, mbedtls_ctr_drbg_random, &drbg)) return 1;
    if (mbedtls_ecdh_gen_public(&group, &scalar, &own, mbedtls_ctr_drbg_random, &drbg)) return 1;
    start = now();
    for (long i = 0; i < calls; i++) {
      if (mbedtls_ecdh_compute_shared(&group, &secret, &peer, &scalar, mbedtls_ctr_drbg_random, &drbg)) return 1;
      if (mbedtls_mpi_write_binary(&secret, out, 32)) return 1;
    }
    printf("%.0f\n", now() - start);
    fflush(stdout);
    mbedtls_ecp_group_free(&group);
    mbedtls_ecp_point_free(&own);
    mbedtls_ecp_point_free(&peer);
    mbedtls_mpi_free(&scalar);
    mbedtls_mpi_free(&secret);
  }
  return 0;
}

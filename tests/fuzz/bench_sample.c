/* SPDX-License-Identifier: Apache-2.0
 * What arrowquant-bench reads from a run: the JSON of `arrowquant quantize --json`. */
#include <config.h>

#include <math.h>

#include "bench/measure/sample.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bench_sample sample;
    char *wrong = bench_sample_parse((const char *)data, size, &sample);
    if (wrong == NULL) {
        FUZZ_REQUIRE(sample.time_s > 0 && sample.weights > 0 && sample.threads > 0);
        FUZZ_REQUIRE(isfinite(sample.time_s) && isfinite(sample.rss_peak_bytes));
        bench_sample_derive(&sample, 2);
    }
    free(wrong);
    bench_sample_free(&sample);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_json(data, size, room, &state);
}

/* SPDX-License-Identifier: Apache-2.0
 * What --baseline and --merge read: results of another run, bare or behind a baseline's first line,
 * whose checksum no mutation would hit. So each input is tried bare and saved as a baseline, too.
 */
#include <config.h>

#include <math.h>
#include <string.h>

#include "bench/results/baseline_file.h"
#include "fuzz.h"

/* One line that steers no terminal. */
static void check_wrong(const char *wrong)
{
    FUZZ_REQUIRE(wrong[0] != '\0');
    for (const char *p = wrong; *p != '\0'; p++)
        FUZZ_REQUIRE((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void check_summary(const bench_summary *s)
{
    if (s->count == 0)
        return;
    FUZZ_REQUIRE(isfinite(s->minimum) && s->minimum <= s->median && s->median <= s->maximum);
    FUZZ_REQUIRE(isfinite(s->maximum) && s->minimum >= 0 && isnan(s->low) == isnan(s->high));
    FUZZ_REQUIRE(isnan(s->low) || (s->minimum <= s->low && s->high <= s->maximum));
}

static void check_result(const bench_results *results, const bench_read_result *r)
{
    const bench_summary *const all[] = {&r->time,       &r->cpu,         &r->memory,
                                        &r->byte_rate,  &r->weight_rate, &r->speedup,
                                        &r->efficiency, &r->wall_ratio,  &r->memory_ratio};
    FUZZ_REQUIRE(r->name != NULL && r->group != NULL && r->isa != NULL && r->output != NULL);
    FUZZ_REQUIRE(r->model < results->models && r->threads > 0);
    FUZZ_REQUIRE(strcmp(results->model[r->model].label, r->model_size) == 0);
    FUZZ_REQUIRE(r->status != BENCH_READ_OK || (r->samples > 0 && r->time.count == r->samples));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_summary(all[i]);
    for (size_t i = 0; i < r->samples; i++) {
        const bench_sample *s = &r->sample[i];
        FUZZ_REQUIRE(isfinite(s->time_s) && s->time_s > 0 && isfinite(s->wall_s) && s->wall_s > 0);
        FUZZ_REQUIRE(i == 0 || s->round > r->sample[i - 1].round);
    }
}

static void check_results(const bench_results *results)
{
    FUZZ_REQUIRE(results->command != NULL && results->type != NULL && results->dtype != NULL);
    FUZZ_REQUIRE(results->models > 0 && results->count > 0 && results->targets > 0);
    FUZZ_REQUIRE(results->machine.usable_cpus > 0 && results->machine.cpu_model != NULL);
    for (size_t i = 0; i < results->count; i++)
        check_result(results, &results->result[i]);
    for (size_t i = 0; i < results->targets; i++)
        FUZZ_REQUIRE(results->target[i].id != NULL && results->target[i].outcome != NULL);
}

typedef char *parse_fn(const char *bytes, size_t length, bench_results *results);

/* What is wrong, for the caller to free. */
static char *try(parse_fn *parse, const char *bytes, size_t length)
{
    bench_results results;
    char *wrong = parse(bytes, length, &results);
    if (wrong == NULL)
        check_results(&results);
    else
        check_wrong(wrong);
    bench_results_free(&results);
    /* cppcheck-suppress returnDanglingLifetime ; the text is of its own allocation */
    return wrong;
}

/* A baseline of these bytes must be read as the bytes themselves are. */
static void try_saved(const char *bytes, size_t length, const char *wrong_bare)
{
    char *saved = NULL;
    size_t saved_length = 0;
    FILE *out = open_memstream(&saved, &saved_length);
    FUZZ_REQUIRE(out != NULL && bench_baseline_write(bytes, length, out) == 0 && fclose(out) == 0);
    char *wrong = try(bench_baseline_parse, saved, saved_length);
    FUZZ_REQUIRE((wrong == NULL) == (wrong_bare == NULL));
    FUZZ_REQUIRE(wrong == NULL || strcmp(wrong, wrong_bare) == 0);
    free(wrong);
    free(saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    free(try(bench_baseline_parse, bytes, size));
    char *wrong = try(bench_results_parse, bytes, size);
    if (size > 0)
        try_saved(bytes, size, wrong);
    free(wrong);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_json(data, size, room, &state);
}

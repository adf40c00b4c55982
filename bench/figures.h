/* SPDX-License-Identifier: Apache-2.0
 * From samples to figures: everything that a report shows is computed here. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "losses.h"
#include "measure/measure.h"
#include "stats/fit.h"
#include "stats/stats.h"

/* Of one configuration. A summary with count 0 stands for a figure that does not exist. */
typedef struct bench_figures {
    int measured;            /* has samples, and nothing speaks against them */
    bench_summary time;      /* seconds */
    bench_summary wall;      /* of the whole process */
    bench_summary memory;    /* peak resident set, bytes */
    bench_summary baseline;  /* resident set before the quantization */
    bench_summary added;     /* peak less baseline */
    bench_summary accounted; /* what the library held */
    bench_summary cpu;       /* user and system seconds */
    bench_summary cpu_wall;
    bench_summary balance;
    bench_summary byte_rate;   /* input bytes per second */
    bench_summary weight_rate; /* weights per second */
    bench_summary roof;        /* bytes per second that as many threads read in the same rounds */
    bench_summary roof_part;   /* byte_rate over roof */
    /* Against the configuration it is paired with, within rounds. */
    bench_summary speedup;    /* its time / this time; thread scaling */
    bench_summary efficiency; /* speedup / threads */
    bench_summary time_ratio; /* this / its */
    bench_summary wall_ratio;
    bench_summary memory_ratio;
    bench_summary accounted_ratio;
    bench_summary loss[BENCH_LOSSES]; /* parts of threads x time; thread scaling */
    bench_limit limit;                /* the greatest of them */
    double karp_flatt; /* the serial part that the speedup shows; NaN where there is none */
    size_t no_cores, oversubscribed, fewer_threads, evicted; /* samples so marked */
} bench_figures;

/* What disturbed a sample of a configuration with these figures, in words; NULL: nothing known. */
const char *bench_disturbed(const bench_sample *sample, const bench_figures *figures);

/* Whether this run proves something about scaling: it had a CPU for each thread, and most of its
 * samples really had them. */
int bench_scaling_valid(const bench_case *item, const bench_figures *figures, unsigned usable_cpus);

/* The laws of scaling fitted to the valid points of the thread scaling, over the rounds in which
 * all of them were sampled. */
bench_fit bench_scaling_fit(const bench_matrix *matrix, const bench_run *run,
                            const bench_figures *figures, unsigned usable_cpus, uint64_t seed);

/* [matrix->count], for the caller to free. */
bench_figures *bench_figures_make(const bench_matrix *matrix, const bench_run *run, uint64_t seed);

#endif

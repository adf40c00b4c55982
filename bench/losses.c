/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "losses.h"

#include <math.h>

/* Above this efficiency there is nothing to explain. */
static const double as_good_as_all = 0.95;
/* From this part of the read bandwidth on, memory sets the pace: pread copies each byte once more,
 * through the caches, and no copy reads at the full rate. */
static const double near_roof = 0.7;

const char *bench_loss_key(bench_loss loss)
{
    static const char *const key[BENCH_LOSSES] = {
        [BENCH_LOSS_SERIAL] = "serial",
        [BENCH_LOSS_IDLE] = "idle",
        [BENCH_LOSS_OFF_CPU] = "off_cpu",
        [BENCH_LOSS_SLOWER] = "slower",
    };
    return key[loss];
}

const char *bench_limit_text(bench_limit limit)
{
    switch (limit) {
    case BENCH_LIMIT_NONE:
        return "nothing";
    case BENCH_LIMIT_SERIAL:
        return "serial part";
    case BENCH_LIMIT_IMBALANCE:
        return "imbalance";
    case BENCH_LIMIT_CORES:
        return "cores that were not there";
    case BENCH_LIMIT_BANDWIDTH:
        return "memory bandwidth";
    case BENCH_LIMIT_CONTENTION:
        return "contention";
    default:
        return "unknown";
    }
}

/* Thread seconds of one run. */
typedef struct ledger {
    double serial, idle, off, cpu;
} ledger;

static ledger account(const bench_sample *s)
{
    ledger sum = {.serial = s->time_s - s->run_s};
    for (unsigned i = 0; i < s->threads; i++) {
        const bench_worker *w = &s->worker[i];
        /* Two clocks: the CPU time may come out a little above the time it was spent in. */
        double busy = fmax(w->read_s + w->kernel_s + w->write_s, w->cpu_s);
        sum.idle += s->run_s - busy;
        sum.off += busy - w->cpu_s;
        sum.cpu += w->cpu_s;
    }
    return sum;
}

void bench_losses_of(const bench_sample *one, const bench_sample *many, double part[BENCH_LOSSES])
{
    for (int i = 0; i < BENCH_LOSSES; i++)
        part[i] = NAN;
    if (one->worker == NULL || many->worker == NULL || one->threads != 1)
        return;
    ledger a = account(one), b = account(many);
    double all = many->threads * many->time_s;
    part[BENCH_LOSS_SERIAL] = (many->threads * b.serial - a.serial) / all;
    part[BENCH_LOSS_IDLE] = (b.idle - a.idle) / all;
    part[BENCH_LOSS_OFF_CPU] = (b.off - a.off) / all;
    part[BENCH_LOSS_SLOWER] = (b.cpu - a.cpu) / all;
}

bench_limit bench_limit_of(double efficiency, const double part[BENCH_LOSSES], double roof_part,
                           int oversubscribed)
{
    static const bench_limit of[BENCH_LOSSES] = {
        [BENCH_LOSS_SERIAL] = BENCH_LIMIT_SERIAL,
        [BENCH_LOSS_IDLE] = BENCH_LIMIT_IMBALANCE,
        [BENCH_LOSS_OFF_CPU] = BENCH_LIMIT_CORES,
        [BENCH_LOSS_SLOWER] = BENCH_LIMIT_CONTENTION,
    };
    int most = 0;
    if (!isfinite(efficiency) || !isfinite(part[0]))
        return BENCH_LIMIT_UNKNOWN;
    if (efficiency >= as_good_as_all)
        return BENCH_LIMIT_NONE;
    if (oversubscribed)
        return BENCH_LIMIT_CORES;
    for (int i = 1; i < BENCH_LOSSES; i++)
        if (part[i] > part[most])
            most = i;
    if (most == BENCH_LOSS_SLOWER && roof_part >= near_roof)
        return BENCH_LIMIT_BANDWIDTH;
    return of[most];
}

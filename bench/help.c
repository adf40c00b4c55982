/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "help.h"

static const char help_select[] =
    "Usage: arrowquant-bench [OPTIONS]\n"
    "Measure arrowquant: thread scaling, model sizes, streaming against batch.\n"
    "\n"
    "What to measure (any of these together; none of them: --all --quick):\n"
    "      --all                   thread scaling, model sizes and streaming comparison\n"
    "      --cores N,N,...         thread scaling with these thread counts [1,2,4,8,16]\n"
    "      --model-size SIZE       thread scaling on a model of this size [100M]\n"
    "      --model-sizes SIZE,...  one run per size [100M,600M,7B]\n"
    "      --streaming-comparison  streaming against batch mode with the same threads\n"
    "      --kernels               the kernels alone, in memory: every source dtype, type and\n"
    "                              instruction set, or those of --type and --dtype, with\n"
    "                              one thread and with all, beside the read bandwidth\n"
    "      --group NAME            a group by its name (repeatable; see --list)\n"
    "      --list                  list the groups and their runs, measure nothing\n"
    "      --selftest              judge that comparison on recorded and made-up noise: false\n"
    "                              alarms, and slowdowns found; exit 1 where it falls short\n"
    "      --quick                 scaled-down models, under a minute\n"
    "      --compare OLD_BINARY    is this build slower than another arrowquant? Paired\n"
    "                              runs of both; exit 3 on a regression, 6 where the\n"
    "                              machine is too disturbed to tell\n"
    "\n"
    "How:\n"
    "      --model PATH            measure this model instead of synthetic ones\n"
    "      --type TYPE             quantize to TYPE [q8_0]\n"
    "      --dtype DTYPE           dtype of synthetic models: f16, bf16, f32 [f16]\n"
    "      --mode MODE             streaming or batch, for scaling and sizes [streaming]\n"
    "      --threads N             threads of the size and streaming runs\n"
    "                              [usable CPUs, at most 8]\n"
    "      --sink null|file        discard the output or write it\n"
    "                              [file for sizes, else null]\n"
    "      --rounds N              exactly N rounds of every configuration\n"
    "                              [until the intervals are narrow, or out of budget]\n"
    "      --budget SECONDS        time for sampling [300; with --quick 15;\n"
    "                              --compare has 300 of its own]\n"
    "      --timeout SECONDS       give up on a single run after this long [3600]\n"
    "      --seed N                seed of the run order and the intervals [random]\n"
    "      --traces FILE           noise for the self-test [what came with this program]\n"
    "      --binary PATH           the arrowquant to measure [the one beside this\n"
    "                              program, else the one in PATH]\n"
    "      --work-dir DIR          for models and outputs [TMPDIR, else the output\n"
    "                              directory]\n";

static const char help_report[] =
    "\n"
    "Results:\n"
    "      --output-dir DIR        for the reports [.benchmarks/parallel]\n"
    "      --export FORMAT=FILE    also write json, csv, markdown, html,\n"
    "                              google-benchmark, github or bencher (repeatable)\n"
    "      --save-baseline NAME    keep the samples as baselines/NAME.json there\n"
    "      --baseline NAME         compare with them: warns, and never fails a build\n"
    "      --merge FILE...         measure nothing: join results, of other machines say,\n"
    "                              in one report (json, csv, markdown, html)\n"
    "      --check-targets         exit 4 where a target is missed\n"
    "      --strict                exit 5 where a target or the comparison is\n"
    "                              inconclusive, 6 where the machine is not fit for a\n"
    "                              verdict\n"
    "  -q, --quiet                 no report on standard output, no progress\n"
    "  -v, --verbose               one line per sample on standard error\n"
    "  -h, --help                  this help\n"
    "  -V, --version               the version\n"
    "\n"
    "SIZE: 100M, 600M, 7B, 7B-seed, LAYERSxROWSxCOLUMNS, or a number of weights.\n"
    "Exit: 0 ok, 1 a run failed or outputs differ, 2 usage, 3 regression,\n"
    "4 target missed, 5 inconclusive, 6 environment invalid.\n";

void bench_help_print(FILE *out)
{
    fputs(help_select, out);
    fputs(help_report, out);
}

/* SPDX-License-Identifier: Apache-2.0
 * Command lines, sizes, and the matrix of runs that follows from them. */
#include <config.h>

#include "bench/cases.h"
#include "bench/measure/binary.h"
#include "bench/sizes.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static char printed[4096], complained[4096];

/* Parses "WORD WORD ..." and returns the code. */
static int parse(const char *line, bench_options *options)
{
    static char copy[512]; /* the options point into it */
    char name[] = "arrowquant-bench", *argv[40] = {name}, *rest = NULL;
    int argc = 1;
    (void)snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    memset(printed, 0, sizeof printed);
    memset(complained, 0, sizeof complained);
    FILE *out = fmemopen(printed, sizeof printed, "w"), *err = fmemopen(complained, 4096, "w");
    int code = bench_options_parse(argc, argv, options, out, err);
    fclose(out);
    fclose(err);
    return code;
}

static int selected(const bench_options *o)
{
    return o->selected[BENCH_SCALING] * 1000 + o->selected[BENCH_SPEEDUP] * 100 +
           o->selected[BENCH_SIZES] * 10 + o->selected[BENCH_STREAMING];
}

START_TEST(nothing_given_is_all_quick)
{
    bench_options o;
    ck_assert_int_eq(parse("", &o), -1);
    ck_assert_int_eq(selected(&o), 1011);
    ck_assert_int_eq(o.quick, 1);
    ck_assert_int_eq(parse("--output-dir x --check-targets", &o), -1);
    ck_assert_int_eq(selected(&o), 1011);
    ck_assert_int_eq(o.quick, 1);
    ck_assert_int_eq(parse("--all", &o), -1);
    ck_assert_int_eq(selected(&o), 1011);
    ck_assert_int_eq(o.quick, 0);
}
END_TEST

START_TEST(selections_add_up)
{
    bench_options o;
    ck_assert_int_eq(parse("--cores 1,3", &o), -1);
    ck_assert_int_eq(selected(&o), 1000);
    ck_assert_uint_eq(o.cores_count, 2);
    ck_assert_uint_eq(o.cores[1], 3);
    ck_assert_int_eq(parse("--model-size 600M", &o), -1);
    ck_assert_int_eq(selected(&o), 1000);
    ck_assert_str_eq(o.model_size, "600M");
    ck_assert_int_eq(parse("--streaming-comparison --model-sizes 100M,7B --cores 2", &o), -1);
    ck_assert_int_eq(selected(&o), 1011);
    ck_assert_uint_eq(o.model_sizes_count, 2);
    ck_assert_int_eq(parse("--group speedup_analysis --streaming-comparison", &o), -1);
    ck_assert_int_eq(selected(&o), 101);
    ck_assert_int_eq(parse("--all --group speedup_analysis --quick", &o), -1);
    ck_assert_int_eq(selected(&o), 1111);
    ck_assert_int_eq(o.quick, 1);
    ck_assert_int_eq(parse("--list", &o), -1);
    ck_assert_int_eq(selected(&o), 1111);
    ck_assert_int_eq(o.kernels, 0);
    ck_assert_int_eq(parse("--kernels", &o), -1);
    ck_assert_int_eq(selected(&o), 0);
    ck_assert_int_eq(o.kernels, 1);
    ck_assert_int_eq(o.type_given + o.dtype_given, 0);
    ck_assert_int_eq(parse("--kernels --cores 2 --type q4_k --dtype bf16", &o), -1);
    ck_assert_int_eq(selected(&o), 1000);
    ck_assert_int_eq(o.kernels, 1);
    ck_assert_int_eq(o.type_given + o.dtype_given, 2);
}
END_TEST

START_TEST(values)
{
    bench_options o;
    ck_assert_int_eq(parse("--type int4 --dtype bf16 --mode batch --sink file --rounds 7 --seed 12 "
                           "--budget 2.5 --timeout 9 --threads 3 --export csv=a.csv --export "
                           "json=- --binary b --work-dir w -q -v --strict",
                           &o),
                     -1);
    ck_assert_int_eq(o.type, AQ_TYPE_INT4);
    ck_assert_int_eq(o.dtype, AQ_DTYPE_BF16);
    ck_assert_int_eq(o.mode, AQ_MODE_BATCH);
    ck_assert_int_eq(o.sink, BENCH_SINK_FILE);
    ck_assert_uint_eq(o.rounds, 7);
    ck_assert_uint_eq(o.seed, 12);
    ck_assert(o.seed_given && o.quiet && o.verbose && o.strict);
    ck_assert(o.budget_s == 2.5 && o.timeout_s == 9);
    ck_assert_uint_eq(o.threads, 3);
    ck_assert_uint_eq(o.exports_count, 2);
    ck_assert_int_eq(o.exports[0].format, BENCH_CSV);
    ck_assert_str_eq(o.exports[1].path, "-");
}
END_TEST

START_TEST(malformed_is_one_line_and_two)
{
    static const struct {
        const char *line, *says;
    } bad[] = {
        {"--cores 1,,2", "--cores"},
        {"--cores 0", "--cores"},
        {"--cores 1,2,", "--cores"},
        {"--cores -1", "--cores"},
        {"--cores 1025", "--cores"},
        {"--cores 99999999999999999999", "--cores"},
        {"--cores 2,2", "twice"},
        {"--model-size 12Q", "--model-size"},
        {"--model-size 0", "--model-size"},
        {"--model-size 1x2", "--model-size"},
        {"--model-size 4294967296x4294967296x4294967296", "--model-size"},
        {"--model-sizes 100M,", "--model-sizes"},
        {"--model-sizes 100M,100M", "twice"},
        {"--group all", "all"},
        {"--type q9_9", "q9_9"},
        {"--dtype f64", "f64"},
        {"--mode both", "both"},
        {"--sink /dev/null", "--sink"},
        {"--rounds 0", "--rounds"},
        {"--rounds 1e3", "--rounds"},
        {"--budget nan", "--budget"},
        {"--budget -1", "--budget"},
        {"--budget inf", "--budget"},
        {"--timeout 0", "--timeout"},
        {"--seed x", "--seed"},
        {"--threads 0", "--threads"},
        {"--export csv", "--export"},
        {"--export csv=", "--export"},
        {"--export pdf=x", "pdf"},
        {"--nonsense", "--nonsense"},
        {"-x", "-x"},
        {"--cores", "--cores needs a value"},
        {"--all=yes", "takes no value"},
        {"model.gguf", "model.gguf"},
        {"--all extra", "extra"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bench_options o;
        ck_assert_msg(parse(bad[i].line, &o) == 2, "%s", bad[i].line);
        ck_assert_msg(strstr(complained, bad[i].says) != NULL, "%s: %s", bad[i].line, complained);
        ck_assert_msg(strchr(complained, '\n') == complained + strlen(complained) - 1, "%s: %s",
                      bad[i].line, complained);
        ck_assert_str_eq(printed, "");
    }
}
END_TEST

START_TEST(help_and_version_go_to_standard_output)
{
    bench_options o;
    ck_assert_int_eq(parse("--version", &o), 0);
    ck_assert_str_eq(printed, "arrowquant-bench " PACKAGE_VERSION "\n");
    ck_assert_int_eq(parse("--cores 1 --help", &o), 0);
    ck_assert_ptr_nonnull(strstr(printed, "--streaming-comparison"));
    ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(sizes)
{
    static const struct {
        const char *name;
        uint64_t weights;
    } known[] = {{"100M", 104857600},          {"600M", 629145600}, {"7B-seed", 3355443200},
                 {"7B", UINT64_C(7012876288)}, {"2x3x64", 384},     {"12345", 12345}};
    bench_size size;
    char text[64];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        ck_assert_int_eq(bench_size_parse(known[i].name, &size), 0);
        ck_assert_uint_eq(size.weights, known[i].weights);
    }
    ck_assert_str_eq(bench_size_params(size, text, sizeof text), "12345");
    ck_assert_int_eq(bench_size_parse("7B", &size), 0);
    ck_assert_str_eq(bench_size_params(size, text, sizeof text), "418x2048x8192");
    size = bench_size_scaled(size, 120000000);
    ck_assert_str_eq(bench_size_params(size, text, sizeof text), "7x2048x8192");
    ck_assert_uint_eq(size.weights, 7u * 2048 * 8192);
    size = bench_size_scaled(size, 1);
    ck_assert_uint_eq(size.layers, 1);
}
END_TEST

/* ---- the matrix ---- */

static const bench_machine two_cpus = {2, {[AQ_ISA_SCALAR] = 1, [AQ_ISA_AVX2] = 1}, AQ_ISA_AVX2};

static void build(const char *line, bench_matrix *matrix)
{
    bench_options o;
    ck_assert_int_eq(parse(line, &o), -1);
    bench_matrix_build(&o, &two_cpus, matrix);
}

static const bench_case *find(const bench_matrix *matrix, const char *name)
{
    for (size_t i = 0; i < matrix->count; i++)
        if (strcmp(matrix->cases[i].name, name) == 0)
            return &matrix->cases[i];
    ck_abort_msg("there is no case %s", name);
    return NULL;
}

START_TEST(scaling_matrix)
{
    bench_matrix m;
    build("--cores 4,1,8", &m);
    ck_assert_uint_eq(m.models, 1);
    ck_assert_str_eq(m.model[0].params, "50x512x4096");
    ck_assert_int_eq(find(&m, "parallel_1_threads")->pair, BENCH_NO_PAIR);
    ck_assert_int_eq(find(&m, "parallel_4_threads")->pair, 1);
    ck_assert_int_eq(find(&m, "parallel_8_threads")->pair, 1);
    ck_assert(!find(&m, "parallel_8_threads")->to_file);
    bench_matrix_free(&m);
    build("--cores 2,4", &m);
    ck_assert_int_eq(find(&m, "parallel_4_threads")->pair, BENCH_NO_PAIR);
    bench_matrix_free(&m);
}
END_TEST

START_TEST(other_modes_and_isas_are_verified)
{
    bench_matrix m;
    build("--cores 1,2", &m);
    ck_assert_uint_eq(m.count, 4);
    ck_assert(find(&m, "verify_100M_batch_avx2")->verify_only);
    ck_assert_int_eq(find(&m, "verify_100M_streaming_scalar")->isa, AQ_ISA_SCALAR);
    bench_matrix_free(&m);
    build("--streaming-comparison", &m);
    ck_assert_uint_eq(m.count, 3); /* both modes are measured anyway */
    bench_matrix_free(&m);
    build("--model-sizes 7B", &m);
    ck_assert_uint_eq(m.count, 2); /* too large to be run for that alone */
    bench_matrix_free(&m);
}
END_TEST

START_TEST(sizes_matrix)
{
    bench_matrix m;
    build("--model-sizes 100M,7B --quick", &m);
    ck_assert_uint_eq(m.groups, 2);
    const bench_case *large = find(&m, "model_7B_2_threads");
    ck_assert_str_eq(m.cases[large->pair].name, "cp_7B");
    ck_assert_int_eq(m.cases[large->pair].work, BENCH_COPY);
    ck_assert_uint_eq(m.cases[large->pair].group, large->group);
    ck_assert(large->to_file && m.model[large->model].scaled);
    ck_assert(!m.model[find(&m, "model_100M_2_threads")->model].scaled);
    bench_matrix_free(&m);
    build("--model-sizes 100M --sink null --threads 5", &m);
    ck_assert(!find(&m, "model_100M_5_threads")->to_file);
    ck_assert(find(&m, "cp_100M")->to_file);
    bench_matrix_free(&m);
}
END_TEST

START_TEST(streaming_matrix)
{
    bench_matrix m;
    build("--streaming-comparison --mode batch", &m);
    const bench_case *streaming = find(&m, "streaming_2_threads");
    ck_assert_int_eq(streaming->mode, AQ_MODE_STREAMING);
    ck_assert_int_eq(m.cases[streaming->pair].mode, AQ_MODE_BATCH);
    ck_assert_uint_eq(m.cases[streaming->pair].threads, streaming->threads);
    ck_assert_str_eq(m.model[streaming->model].params, "100x1024x4096");
    bench_matrix_free(&m);
    build("--group speedup_analysis", &m);
    ck_assert_str_eq(m.model[0].params, "80x768x3072");
    ck_assert_int_eq(find(&m, "speedup_8_threads")->pair, 0);
    bench_matrix_free(&m);
}
END_TEST

START_TEST(own_model_replaces_all)
{
    bench_matrix m;
    build("--all --model some/dir/ --quick", &m);
    ck_assert_uint_eq(m.models, 1);
    ck_assert_str_eq(m.model[0].path, "some/dir/");
    ck_assert_str_eq(m.model[0].label, "dir");
    ck_assert_str_eq(m.model[0].params, "");
    ck_assert_uint_eq(m.groups, 3);
    bench_matrix_free(&m);
}
END_TEST

START_TEST(command_lines_can_be_pasted)
{
    char word[][16] = {"x", "--model", "it's a file", "--cores", "1,2", ""};
    char *argv[] = {word[0], word[1], word[2], word[3], word[4], word[5]};
    char *line = bench_command_line(6, argv);
    ck_assert_str_eq(line, "arrowquant-bench --model 'it'\\''s a file' --cores 1,2 ''");
    free(line);
}
END_TEST

int main(void)
{
    TCase *options = tcase_create("options"), *matrix = tcase_create("matrix");
    tcase_add_test(options, nothing_given_is_all_quick);
    tcase_add_test(options, selections_add_up);
    tcase_add_test(options, values);
    tcase_add_test(options, malformed_is_one_line_and_two);
    tcase_add_test(options, help_and_version_go_to_standard_output);
    tcase_add_test(options, sizes);
    tcase_add_test(options, command_lines_can_be_pasted);
    tcase_add_test(matrix, scaling_matrix);
    tcase_add_test(matrix, other_modes_and_isas_are_verified);
    tcase_add_test(matrix, sizes_matrix);
    tcase_add_test(matrix, streaming_matrix);
    tcase_add_test(matrix, own_model_replaces_all);
    return RUN_SUITE("bench_options", options, matrix);
}

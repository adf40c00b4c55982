/* SPDX-License-Identifier: Apache-2.0
 *
 * arrowquant: quantize model weights on CPUs.
 *
 * Conventions that hold for every function here:
 *  - Units: bytes for sizes and offsets, seconds for times, weights (elements) for counts.
 *  - Ownership: strings and arrays passed in are only read during the call. What a function hands
 *    out is freed with the function its comment names; NULL is always accepted there.
 *  - Options and results are structs that begin with their own size, as the caller's header has it,
 *    and only that much of them is read and written: fields are appended in later versions, and a
 *    program need not be built again. Set options up with the matching _init function, which takes
 *    the size and fills in the defaults, and results as in
 *    `aq_quantize_result result = {.size = sizeof result};`. A program built against a newer header
 *    than the library's finds 0 in the results' fields that the library does not have; options that
 *    it does not have are AQ_USAGE unless they are 0. Other structs stay as they are.
 *  - Errors: a function that can fail returns an aq_status and describes the first failure in *err
 *    (NULL if the caller does not want the words). On failure no output file is left behind.
 *  - Threads: functions may be called from several threads at once on distinct objects. A const
 *    object may be read by any number of threads.
 */
#ifndef ARROWQUANT_H
#define ARROWQUANT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AQ_API __attribute__((visibility("default")))
#else
#define AQ_API
#endif

/* The values are the exit codes of the commands. */
typedef enum aq_status {
    AQ_OK = 0,
    AQ_FAILURE = 1,   /* I/O, memory, threads */
    AQ_USAGE = 2,     /* options that contradict each other, an output that may not be replaced */
    AQ_BAD_INPUT = 3, /* a file that is not what it says it is */
    AQ_NUMERIC = 4,   /* weights that cannot be quantized: NaN, infinity, scale out of range */
    AQ_CANCELLED = 5  /* the caller's cancel flag was seen */
} aq_status;

#define AQ_MESSAGE_SIZE 1024

/* One line without a newline: file, tensor and offset where they are known, and what to do. */
typedef struct aq_error {
    aq_status status;
    char message[AQ_MESSAGE_SIZE];
} aq_error;

/* What a tensor's elements are. Safetensors' and GGUF's own types stand in one list; a type that
 * only one of the formats has is refused by the other by name. Values are not stored in files. */
typedef enum aq_dtype {
    AQ_DTYPE_F64,
    AQ_DTYPE_F32,
    AQ_DTYPE_F16,
    AQ_DTYPE_BF16,
    AQ_DTYPE_I64,
    AQ_DTYPE_I32,
    AQ_DTYPE_I16,
    AQ_DTYPE_I8,
    AQ_DTYPE_U64,
    AQ_DTYPE_U32,
    AQ_DTYPE_U16,
    AQ_DTYPE_U8,
    AQ_DTYPE_BOOL,
    AQ_DTYPE_C64,
    AQ_DTYPE_F8_E4M3,
    AQ_DTYPE_F8_E5M2,
    AQ_DTYPE_F8_E4M3FNUZ,
    AQ_DTYPE_F8_E5M2FNUZ,
    AQ_DTYPE_F8_E8M0,
    AQ_DTYPE_F6_E2M3,
    AQ_DTYPE_F6_E3M2,
    AQ_DTYPE_F4,
    AQ_DTYPE_Q4_0,
    AQ_DTYPE_Q4_1,
    AQ_DTYPE_Q5_0,
    AQ_DTYPE_Q5_1,
    AQ_DTYPE_Q8_0,
    AQ_DTYPE_Q8_1,
    AQ_DTYPE_Q2_K,
    AQ_DTYPE_Q3_K,
    AQ_DTYPE_Q4_K,
    AQ_DTYPE_Q5_K,
    AQ_DTYPE_Q6_K,
    AQ_DTYPE_Q8_K,
    AQ_DTYPE_IQ2_XXS,
    AQ_DTYPE_IQ2_XS,
    AQ_DTYPE_IQ2_S,
    AQ_DTYPE_IQ3_XXS,
    AQ_DTYPE_IQ3_S,
    AQ_DTYPE_IQ1_S,
    AQ_DTYPE_IQ1_M,
    AQ_DTYPE_IQ4_NL,
    AQ_DTYPE_IQ4_XS,
    AQ_DTYPE_TQ1_0,
    AQ_DTYPE_TQ2_0,
    AQ_DTYPE_MXFP4,
    AQ_DTYPE_NVFP4,
    AQ_DTYPE_Q1_0,
    AQ_DTYPE_Q2_0,
    AQ_DTYPE_COUNT
} aq_dtype;

/* What weights are quantized to. */
typedef enum aq_type {
    AQ_TYPE_Q8_0, /* GGUF: 32 weights a block, ggml's bytes */
    AQ_TYPE_Q4_0,
    AQ_TYPE_Q4_1,
    AQ_TYPE_Q5_0,
    AQ_TYPE_Q5_1,
    AQ_TYPE_Q2_K, /* GGUF: 256 weights a block */
    AQ_TYPE_Q3_K,
    AQ_TYPE_Q4_K,
    AQ_TYPE_Q5_K,
    AQ_TYPE_Q6_K,
    AQ_TYPE_INT8, /* safetensors: compressed-tensors' "pack-quantized" */
    AQ_TYPE_INT4,
    AQ_TYPE_INT2,
    AQ_TYPE_COUNT
} aq_type;

/* What llama-quantize calls a type: a mixture that gives the tensors which need it more bits than
 * its base type has. */
typedef enum aq_mixture {
    AQ_MIXTURE_OF_TYPE, /* the one that goes by the type's own name (q4_k: q4_k_m) */
    AQ_MIXTURE_Q8_0,
    AQ_MIXTURE_Q4_0,
    AQ_MIXTURE_Q4_1,
    AQ_MIXTURE_Q5_0,
    AQ_MIXTURE_Q5_1,
    AQ_MIXTURE_Q2_K,
    AQ_MIXTURE_Q2_K_S, /* needs an importance matrix */
    AQ_MIXTURE_Q3_K_S,
    AQ_MIXTURE_Q3_K_M,
    AQ_MIXTURE_Q3_K_L,
    AQ_MIXTURE_Q4_K_S,
    AQ_MIXTURE_Q4_K_M,
    AQ_MIXTURE_Q5_K_S,
    AQ_MIXTURE_Q5_K_M,
    AQ_MIXTURE_Q6_K,
    AQ_MIXTURE_COUNT
} aq_mixture;

/* Instruction sets, from the least to the best of each architecture. */
typedef enum aq_isa { AQ_ISA_SCALAR, AQ_ISA_NEON, AQ_ISA_AVX2, AQ_ISA_AVX512, AQ_ISA_COUNT } aq_isa;

typedef enum aq_mode { AQ_MODE_STREAMING, AQ_MODE_BATCH } aq_mode;

typedef enum aq_nonfinite {
    AQ_NONFINITE_ERROR, /* AQ_NUMERIC, naming tensor and index */
    AQ_NONFINITE_KEEP   /* every weight of a block or group with a NaN or infinity reads back as NaN
                         */
} aq_nonfinite;

typedef enum aq_io {
    AQ_IO_AUTO,  /* what is not in the page cache is read past it, where the file system allows */
    AQ_IO_CACHED /* all through the page cache, and it stays there */
} aq_io;

AQ_API const char *aq_version(void); /* "MAJOR.MINOR.PATCH" */

/* Names as the commands and the formats spell them: "q8_0", "BF16", "avx2". NULL for a value out of
 * range. The _parse functions return 0 and set *out, or -1 where the name is unknown. */
AQ_API const char *aq_type_name(aq_type type);
AQ_API int aq_type_parse(const char *name, aq_type *out);
AQ_API const char *aq_mixture_name(aq_mixture mixture);
AQ_API int aq_mixture_parse(const char *name, aq_mixture *out); /* q3_k, q4_k, q5_k: the _m ones */
AQ_API const char *aq_dtype_name(aq_dtype dtype);
AQ_API const char *aq_isa_name(aq_isa isa);
AQ_API int aq_isa_parse(const char *name, aq_isa *out);

/* The type that a mixture starts from; AQ_TYPE_COUNT for a value out of range. */
AQ_API aq_type aq_mixture_type(aq_mixture mixture);

/* Whether this CPU and operating system can run isa, and the best that it can. */
AQ_API int aq_isa_usable(aq_isa isa);
AQ_API aq_isa aq_isa_best(void);

/* CPUs this process may use: the affinity mask, and the cgroup quota rounded up. At least 1. */
AQ_API unsigned aq_usable_cpus(void);

/* ---- quantize in memory ---- */

/* Quantize rows x cols weights (row-major, dtype F32, F16 or BF16) to a GGUF block type, in the
 * calling thread. cols must be a multiple of the type's block; out takes
 * aq_type_bytes(type, rows * cols). isa caps the dispatch. Non-finite weights give AQ_NUMERIC and
 * an undefined out. in and out must not overlap; no alignment is needed. */
AQ_API aq_status aq_quantize_rows(aq_type type, aq_dtype dtype, const void *in, uint64_t rows,
                                  uint64_t cols, void *out, aq_isa isa, aq_error *err);

/* The same for a safetensors type, for each row: its levels begin a word of their own, and its
 * groups of group_size weights (a multiple of 8; 0: one group per row), of which the last may be
 * short, have a scale each, of dtype, and where zero_points is not NULL (asymmetric) a zero point
 * of one byte. levels: ceil(cols * bits / 32) words a row. */
AQ_API aq_status aq_quantize_packed_rows(aq_type type, aq_dtype dtype, const void *in,
                                         uint64_t rows, uint64_t cols, uint64_t group_size,
                                         uint32_t *levels, void *scales, uint8_t *zero_points,
                                         aq_isa isa, aq_error *err);

/* The instruction set of the kernel that quantizes dtype to type under the cap isa on this machine;
 * AQ_ISA_COUNT where there is none, since dtype is not F32, F16 or BF16 or a value is out of range.
 */
AQ_API aq_isa aq_kernel_isa(aq_type type, aq_dtype dtype, aq_isa isa);

/* Weights per block of a GGUF type, 0 for the safetensors types. */
AQ_API uint64_t aq_type_block(aq_type type);
/* Bytes of `weights` weights of a GGUF type; 0 for the safetensors types. */
AQ_API uint64_t aq_type_bytes(aq_type type, uint64_t weights);
/* Bits of a weight's level; 0 for a value out of range. */
AQ_API unsigned aq_type_bits(aq_type type);

/* ---- quantize files ---- */

/* Called from one thread at a time, at most some ten times a second. bytes_done of bytes_total
 * source bytes are finished. */
typedef void aq_progress_fn(void *arg, uint64_t bytes_done, uint64_t bytes_total);

#define AQ_TILE_LEAST 4096
#define AQ_TILE_MOST (1 << 30)

typedef struct aq_quantize_options {
    size_t size;
    aq_type type;
    aq_mode mode;
    unsigned threads; /* 0: aq_usable_cpus() */
    aq_isa isa;       /* cap; aq_isa_best() by default */
    aq_nonfinite nonfinite;
    uint64_t group_size;     /* safetensors types: a multiple of 8; 0 = one group per row */
    int asymmetric;          /* safetensors types */
    uint64_t memory_limit;   /* bytes the library may hold at once; 0: none */
    const char *const *keep; /* globs (fnmatch) of tensors to leave as they are */
    size_t keep_count;
    int force;        /* replace an existing output */
    int sync;         /* fsync before the rename; on by default */
    int checksum;     /* fill in result->checksum; costs a pass over the output */
    const char *arch; /* general.architecture of a GGUF made from safetensors; NULL: "unknown" */
    const volatile int *cancel; /* non-zero stops the run with AQ_CANCELLED; NULL: never */
    aq_progress_fn *progress;   /* NULL: none */
    void *progress_arg;
    /* 1 <= shard <= shards: only this part of a model directory, into a directory where the other
     * parts are written too; aq_index joins them. 0: all of it. */
    unsigned shard, shards;
    /* GGUF input whose tensors have llama.cpp's names is quantized as llama-quantize would: each
     * tensor to the type that the mixture has for it, and to a substitute where that type's block
     * does not divide its rows. Other input gets one type. */
    aq_mixture mixture; /* sets type too; AQ_MIXTURE_OF_TYPE (the default) goes by type */
    int pure;           /* the mixture's base type for every tensor that is quantized */
    aq_io io;
    /* A file of llama-imatrix, of either form, for such GGUF input: NULL is none. Tensors that it
     * does not know are quantized without; values of another number than the tensor's columns, a
     * NaN, an infinity or less than 0 are AQ_BAD_INPUT. */
    const char *imatrix;
    /* Bytes of the source that a worker quantizes at a time, AQ_TILE_LEAST to AQ_TILE_MOST, rounded
     * up to whole pages; 0: half of the L2 cache, from 128 KiB to 1 MiB, or less where `threads`
     * would have few tiles each. The output does not depend on it, memory and speed do. */
    uint64_t tile_bytes;
} aq_quantize_options;

AQ_API void aq_quantize_options_init(aq_quantize_options *options, size_t size);

typedef struct aq_thread_stats {
    double cpu_s;  /* CPU time of this worker during the run */
    double read_s; /* wall time in reads, kernels and writes */
    double kernel_s;
    double write_s;
    uint64_t tiles;
} aq_thread_stats;

/* What became of one input tensor. */
typedef struct aq_tensor_result {
    const char *name;
    aq_dtype dtype;       /* as it was */
    const char *out_type; /* "q8_0", "int4", or the dtype's name where it was kept */
    int quantized;
    const char *reason; /* why it was not quantized; NULL where it was */
    uint64_t weights;
    uint64_t in_bytes, out_bytes;
    uint64_t underflows; /* as in aq_quantize_result, of this tensor */
} aq_tensor_result;

typedef struct aq_quantize_result {
    size_t size;
    /* Times, CLOCK_MONOTONIC. time_s is the whole call; the three phases are wall time in batch
     * mode and 0 in streaming mode, where they overlap (see threads). */
    double time_s;
    double open_s;   /* parse headers, plan, create the output */
    double run_s;    /* first tile to last tile, the output's rename and fsync not included */
    double commit_s; /* fsync, close, rename */
    double load_s, kernel_s, store_s;
    /* CPU time of the process during the call. */
    double user_s, system_s;
    uint64_t weights;              /* quantized */
    uint64_t in_bytes, out_bytes;  /* tensor data read, bytes written */
    uint64_t accounted_bytes;      /* peak of what the library held in buffers and tables */
    uint64_t allocations;          /* made by the library during the call, its result included */
    uint64_t rss_before, rss_peak; /* VmRSS at the call, VmHWM at its end; 0 where unknown */
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t checksum; /* see doc; 0 unless asked for */
    aq_isa isa;        /* the best that was used */
    unsigned threads;  /* workers that ran: fewer than asked for where creating one failed */
    const aq_thread_stats *thread;  /* [threads], owned by the result */
    const aq_tensor_result *tensor; /* [tensors], owned by the result */
    size_t tensors, tensors_quantized;
    /* Quantized in groups that do not divide the row. The format has them, but vLLM and
     * transformers refuse such layers. */
    size_t tensors_short_group;
    void *owner;         /* the library's; freed by aq_quantize_result_free */
    const char *mixture; /* whose rules gave the tensors their types; NULL where one type is all */
    size_t tensors_weighted;    /* by the importance matrix */
    size_t tensors_substituted; /* to another type than the rules wanted, since rows do not fit */
    uint64_t direct_bytes;      /* of in_bytes, read past the page cache */
    /* Blocks and groups whose weights differ but read back as one value, since they are too small
     * for the scale's type (below some 1e-6 for a float16): as ggml and compressed-tensors do it.
     */
    uint64_t underflows;
} aq_quantize_result;

/* Quantize the model at `input` into `output`.
 * input:  a .safetensors file, a .safetensors.index.json, a directory with either, a .gguf file, or
 *         "synthetic:PARAMS[:DTYPE[:SEED]]".
 * output: NAME.gguf, NAME.safetensors, a directory (for a model that is one), or "null:".
 * The same bytes come out whatever threads, mode and isa are. *result (NULL: not wanted) is filled
 * in on success and freed with aq_quantize_result_free. */
AQ_API aq_status aq_quantize(const char *input, const char *output,
                             const aq_quantize_options *options, aq_quantize_result *result,
                             aq_error *err);
AQ_API void aq_quantize_result_free(aq_quantize_result *result);

/* ---- join what was quantized in parts ---- */

typedef struct aq_index_options {
    size_t size;
    int sync;                   /* fsync before the rename; on by default */
    const volatile int *cancel; /* non-zero stops with AQ_CANCELLED; NULL: never */
} aq_index_options;

AQ_API void aq_index_options_init(aq_index_options *options, size_t size);

typedef struct aq_index_result {
    size_t size;
    unsigned parts; /* 0: they had been joined before */
    size_t shards;
    uint64_t bytes;    /* of all shards */
    uint64_t checksum; /* as aq_quantize reports it of the whole model; 0 where parts is 0 */
} aq_index_result;

/* Where `directory` has all parts of one run, each with the bytes that it wrote, writes the index
 * and the config.json of the whole and removes the parts' records: the directory is then what one
 * run writes. A part that is missing or not of the same run (its input, options or version differ),
 * or whose files changed since, is AQ_BAD_INPUT, by number. options and result may be NULL. */
AQ_API aq_status aq_index(const char *directory, const aq_index_options *options,
                          aq_index_result *result, aq_error *err);

/* ---- look at a model ---- */

typedef struct aq_model aq_model; /* immutable once open */

typedef struct aq_tensor_info {
    const char *name; /* UTF-8 */
    aq_dtype dtype;
    unsigned rank;
    const uint64_t *shape; /* [rank], row-major: the innermost dimension last, in both formats */
    uint64_t weights;      /* product of shape */
    uint64_t bytes;
    uint64_t offset;  /* of the first byte, in its file */
    const char *file; /* path */
} aq_tensor_info;

AQ_API aq_status aq_model_open(const char *path, aq_model **model, aq_error *err);
AQ_API void aq_model_close(aq_model *model);
AQ_API const char *aq_model_format(const aq_model *model); /* "safetensors", "gguf", "synthetic" */
AQ_API size_t aq_model_tensors(const aq_model *model);
/* Fills in *info, whose pointers live as long as the model. i < aq_model_tensors(model). */
AQ_API void aq_model_tensor(const aq_model *model, size_t i, aq_tensor_info *info);
AQ_API size_t aq_model_files(const aq_model *model);
AQ_API const char *aq_model_file(const aq_model *model, size_t i);
/* Metadata in file order, values as text (arrays shortened). */
AQ_API size_t aq_model_metadata(const aq_model *model);
AQ_API void aq_model_metadata_at(const aq_model *model, size_t i, const char **key,
                                 const char **value);

/* ---- compare ---- */

typedef struct aq_compare_tensor {
    const char *name;
    const char *type;    /* of the quantized side */
    const char *skipped; /* why it was not compared; NULL where it was */
    uint64_t weights;
    double mse;     /* mean (a - b)^2 */
    double max_abs; /* max |a - b| */
    double snr_db;  /* 10 log10(sum a^2 / sum (a - b)^2); infinity where equal */
    double cosine;  /* sum ab / sqrt(sum a^2 sum b^2); 1 where both are zero */
} aq_compare_tensor;

typedef struct aq_compare_result {
    size_t size;
    size_t tensors; /* of the original */
    const aq_compare_tensor *tensor;
    aq_compare_tensor total; /* over all compared weights */
    void *owner;
    size_t threads; /* that were at work: fewer than asked for where they could not be started */
} aq_compare_result;

typedef struct aq_compare_options {
    size_t size;
    unsigned threads;           /* 0: aq_usable_cpus() */
    const volatile int *cancel; /* non-zero stops with AQ_CANCELLED; NULL: never */
    aq_progress_fn *progress;   /* NULL: none; counts bytes of the original */
    void *progress_arg;
} aq_compare_options;

AQ_API void aq_compare_options_init(aq_compare_options *options, size_t size);

/* Compare the weights of two models tensor by tensor, by name; compressed-tensors' packed weights
 * are found under their original names. Sums are in float64 in an order that does not depend on the
 * threads. A weight that is NaN on both sides, or the same infinity, counts as equal; one that is
 * NaN on one side makes the figures NaN. Tensors that are no weights must have equal bytes. A
 * tensor that only one side has, or with another shape, is AQ_BAD_INPUT. options may be NULL. Free
 * *result with aq_compare_result_free. */
AQ_API aq_status aq_compare(const char *original, const char *quantized,
                            const aq_compare_options *options, aq_compare_result *result,
                            aq_error *err);
AQ_API void aq_compare_result_free(aq_compare_result *result);

/* ---- synthetic models ---- */

typedef struct aq_synthesize_options {
    size_t size;
    aq_dtype dtype;             /* F16 (the default), BF16 or F32 */
    uint64_t seed;              /* 0 by default */
    unsigned threads;           /* 0: aq_usable_cpus() */
    int force;                  /* replace an existing output */
    int sync;                   /* fsync before the rename; on by default */
    const volatile int *cancel; /* non-zero stops with AQ_CANCELLED; NULL: never */
    aq_progress_fn *progress;   /* NULL: none */
    void *progress_arg;
    unsigned *started; /* is given the number of threads that were at work; NULL: not wanted */
} aq_synthesize_options;

AQ_API void aq_synthesize_options_init(aq_synthesize_options *options, size_t size);

/* Write a synthetic model to `output`: NAME.safetensors, or "null:". params: "100M", "600M", "7B",
 * "7B-seed", "100x1024x4096" (layers x rows x columns), or a number of weights ("1.5B"). Weights
 * are Gaussian, with a few outlier columns. The same arguments give the same bytes everywhere.
 * options may be NULL. */
AQ_API aq_status aq_synthesize(const char *params, const char *output,
                               const aq_synthesize_options *options, aq_error *err);

#ifdef __cplusplus
}
#endif

#endif

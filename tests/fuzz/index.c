/* SPDX-License-Identifier: Apache-2.0
 * The index of a sharded model, beside two shards that are there: "1.safetensors" with the tensors
 * a and b, "2.safetensors" with c. */
#include <config.h>

#include <string.h>

#include "fuzz.h"

static fuzz_file shards[2], written;

static void put_shard(const fuzz_file *file, const char *header, size_t data)
{
    char bytes[256] = {0};
    uint64_t length = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, (size_t)length);
    fuzz_file_fill(file, bytes, 8 + (size_t)length + data);
}

static void set_up(void)
{
    fuzz_file_make(&shards[0], "1.safetensors");
    put_shard(&shards[0],
              "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
              "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
              2);
    fuzz_file_make(&shards[1], "2.safetensors");
    put_shard(&shards[1], "{\"c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
    fuzz_file_make(&written, "i.index.json");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aq_model *model;
    aq_error err = {0};
    if (written.path[0] == '\0')
        set_up();
    fuzz_file_fill(&written, data, size);
    aq_status status = aq_model_open(written.path, &model, &err);
    if (status != AQ_OK) {
        char directory[sizeof written.path];
        (void)snprintf(directory, sizeof directory, "%.*s",
                       (int)(strrchr(written.path, '/') - written.path), written.path);
        fuzz_check_error(status, &err, directory);
        return 0;
    }
    FUZZ_REQUIRE(model->tensor_count == 3 || model->file_count == 1);
    fuzz_check_model(model);
    aq_model_close(model);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_json(data, size, room, &state);
}

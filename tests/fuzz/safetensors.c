/* SPDX-License-Identifier: Apache-2.0
 * The safetensors reader, and what it accepted written again. */
#include <config.h>

#include <string.h>

#include "fuzz.h"

static aq_status write(aq_layout *layout, const aq_model *from, aq_error *err)
{
    return aq_safetensors_layout(layout, 0, from, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aq_model *model;
    aq_error err = {0};
    aq_status status = model_from_bytes(data, size, "m", aq_safetensors_open, &model, &err);
    if (status != AQ_OK) {
        fuzz_check_error(status, &err, "m: ");
        return 0;
    }
    fuzz_check_model(model);
    fuzz_check_rewrite(model, write, aq_safetensors_open);
    aq_model_close(model);
    return 0;
}

/* The largest offset that the header names, if the file can be made as long as that. */
static size_t data_size(const uint8_t *text, size_t size, size_t most)
{
    size_t largest = 0, value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] >= '0' && text[i] <= '9' && value <= most)
            value = value * 10 + (size_t)(text[i] - '0');
        else
            value = 0;
        largest = text[i] != ']' && value > largest && value <= most ? value : largest;
    }
    return largest;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed, length;
    if (size < 9 || fuzz_below(&state, 10) == 0)
        return LLVMFuzzerMutate(data, size, room);
    memcpy(&length, data, 8);
    size_t header = length > size - 8 ? size - 8 : (size_t)length;
    size_t tail = size - 8 - header;
    uint8_t *text = data + 8;
    /* The data's bytes mean nothing here: only how many there are. */
    header = fuzz_mutate_json(text, header, room - 8, &state);
    if (fuzz_below(&state, 2) == 0)
        tail = data_size(text, header, room - 8 - header);
    if (tail > room - 8 - header)
        tail = room - 8 - header;
    memset(text + header, 0, tail);
    length = fuzz_below(&state, 20) == 0 ? fuzz_random(&state) : header;
    memcpy(data, &length, 8);
    return 8 + header + tail;
}

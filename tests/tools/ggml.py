# SPDX-License-Identifier: Apache-2.0
"""GGUF files and block types as ggml's own library sees them, through ctypes."""

import array
import ctypes

TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10,
         "Q3_K": 11, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "BF16": 30}
NAMES = {number: name for name, number in TYPES.items()}


class InitParams(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p)]


def signature(function, result, *arguments):
    function.restype, function.argtypes = result, list(arguments)
    return function


class Ggml:
    def __init__(self, library):
        lib = ctypes.CDLL(library)
        pointer, i64, text = ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p
        size, u32, i32 = ctypes.c_size_t, ctypes.c_uint32, ctypes.c_int
        self.lib = lib
        self.open = signature(lib.gguf_init_from_file, pointer, text, InitParams)
        self.free = signature(lib.gguf_free, None, pointer)
        self.count = signature(lib.gguf_get_n_tensors, i64, pointer)
        self.name = signature(lib.gguf_get_tensor_name, text, pointer, i64)
        self.type = signature(lib.gguf_get_tensor_type, i32, pointer, i64)
        self.dims = signature(lib.gguf_get_tensor_ne, ctypes.POINTER(i64 * 4), pointer, i64)
        self.offset = signature(lib.gguf_get_tensor_offset, size, pointer, i64)
        self.size = signature(lib.gguf_get_tensor_size, size, pointer, i64)
        self.data = signature(lib.gguf_get_data_offset, size, pointer)
        self.find = signature(lib.gguf_find_key, i64, pointer, text)
        self.u32 = signature(lib.gguf_get_val_u32, u32, pointer, i64)
        self.text = signature(lib.gguf_get_val_str, text, pointer, i64)
        self.chunk = signature(
            lib.ggml_quantize_chunk, size, i32, pointer, pointer, i64, i64, i64, pointer
        )
        self.init = signature(lib.ggml_quantize_init, None, i32)

    def tensors(self, path):
        """{name: (type name, row-major shape, bytes, offset)}, and the general.* keys."""
        gguf = self.open(path.encode(), InitParams(True, None))
        assert gguf, "ggml does not read " + path
        with open(path, "rb") as file:
            content = file.read()
        found = {}
        for i in range(self.count(gguf)):
            dims = list(self.dims(gguf, i).contents)
            while len(dims) > 1 and dims[-1] == 1:
                dims.pop()
            at = self.data(gguf) + self.offset(gguf, i)
            data = content[at : at + self.size(gguf, i)]
            assert len(data) == self.size(gguf, i), path + " is shorter than ggml expects"
            found[self.name(gguf, i).decode()] = (NAMES[self.type(gguf, i)], dims[::-1], data, at)
        keys = {
            "general.architecture": self.text,
            "general.file_type": self.u32,
            "general.quantization_version": self.u32,
        }
        values = {}
        for key, get in keys.items():
            at = self.find(gguf, key.encode())
            if at >= 0:
                value = get(gguf, at)
                values[key] = value.decode() if isinstance(value, bytes) else value
        self.free(gguf)
        return found, values

    def quantize(self, type_name, floats, columns):
        """The bytes that ggml makes of these weights, in rows of `columns`."""
        source = (ctypes.c_float * len(floats)).from_buffer(array.array("f", floats))
        out = ctypes.create_string_buffer(4 * len(floats) + 64)
        number = TYPES[type_name]
        size = self.chunk(number, source, out, 0, len(floats) // columns, columns, None)
        return out.raw[:size]

    def dequantize(self, type_name, data, weights):
        function = getattr(self.lib, "dequantize_row_" + type_name.replace("Q", "q"))
        signature(function, None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64)
        out = (ctypes.c_float * weights)()
        function(data, out, weights)
        return array.array("f", bytes(out))

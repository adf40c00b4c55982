# SPDX-License-Identifier: Apache-2.0
"""llama_model_quantize of the oracle's libllama, through ctypes."""

import ctypes
import os

FTYPES = {
    "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q2_k": 10, "q3_k_s": 11, "q3_k_m": 12,
    "q3_k_l": 13, "q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17, "q6_k": 18, "q2_k_s": 21,
}


class Params(ctypes.Structure):
    _fields_ = [
        ("threads", ctypes.c_int32), ("ftype", ctypes.c_int), ("output_type", ctypes.c_int),
        ("embedding_type", ctypes.c_int), ("allow_requantize", ctypes.c_bool),
        ("quantize_output", ctypes.c_bool), ("only_copy", ctypes.c_bool), ("pure", ctypes.c_bool),
        ("keep_split", ctypes.c_bool), ("dry_run", ctypes.c_bool), ("imatrix", ctypes.c_void_p),
        ("overrides", ctypes.c_void_p), ("types", ctypes.c_void_p), ("prune", ctypes.c_void_p),
    ]


class Entry(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class Llama:
    def __init__(self, directory):
        lib = ctypes.CDLL(os.path.join(directory, "libllama.v0.5.0.so"))
        self.log = []
        self.logger = LOG(lambda level, text, _: self.log.append(text.decode("utf-8", "replace")))
        lib.llama_log_set.argtypes = [LOG, ctypes.c_void_p]
        lib.llama_log_set(self.logger, None)
        lib.llama_model_quantize_default_params.restype = Params
        lib.llama_model_quantize.argtypes = [
            ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Params)
        ]
        self.lib = lib

    def quantize(self, source, target, ftype, pure=False, imatrix=None, threads=1):
        """True where it worked; self.log has what it said. imatrix: {name: floats (array 'f')}."""
        params = self.lib.llama_model_quantize_default_params()
        params.threads, params.ftype, params.pure = threads, FTYPES[ftype], pure
        if imatrix is not None:
            entries = (Entry * (len(imatrix) + 1))()
            for entry, (name, values) in zip(entries, imatrix.items()):
                entry.name, entry.data = name.encode(), values.buffer_info()[0]
                entry.size = len(values)
            params.imatrix = ctypes.addressof(entries)
        self.log.clear()
        return self.lib.llama_model_quantize(source.encode(), target.encode(), params) == 0

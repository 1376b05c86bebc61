"""ONNX Runtime's C interface by ctypes, for a Python without the onnxruntime module.

The interface is a table of functions that only ever grows at its end (ONNX Runtime, C API reference):
a function is known by its place in it.
"""

import ctypes

import numpy as np

API_VERSION = 14
FLOAT = 1
DTYPES = {1: np.float32, 2: np.uint8, 6: np.int32, 7: np.int64, 9: np.bool_}

POINTER = ctypes.c_void_p
GET_ERROR_MESSAGE = 2
CREATE_ENV = 3
CREATE_SESSION = 7
RUN = 9
CREATE_SESSION_OPTIONS = 10
CREATE_TENSOR_WITH_DATA = 49
GET_TENSOR_MUTABLE_DATA = 51
GET_TENSOR_ELEMENT_TYPE = 60
GET_DIMENSIONS_COUNT = 61
GET_DIMENSIONS = 62
GET_TENSOR_TYPE_AND_SHAPE = 65
CREATE_CPU_MEMORY_INFO = 69


class CSession:
    """A model on the CPU. What it holds is given back when the process ends."""

    def __init__(self, library, model_file):
        base = ctypes.CDLL(library).OrtGetApiBase
        base.restype = ctypes.POINTER(POINTER * 2)
        get_api = ctypes.CFUNCTYPE(POINTER, ctypes.c_uint32)(base().contents[0])
        self.table = ctypes.cast(get_api(API_VERSION), ctypes.POINTER(POINTER))
        environment = self.made(CREATE_ENV, ctypes.c_int(3), ctypes.c_char_p(b"parity"))
        options = self.made(CREATE_SESSION_OPTIONS)
        self.memory = self.made(CREATE_CPU_MEMORY_INFO, ctypes.c_int(0), ctypes.c_int(0))
        path = ctypes.c_char_p(model_file.encode())
        self.session = self.made(CREATE_SESSION, environment, path, options)

    def call(self, place, *arguments):
        function = ctypes.CFUNCTYPE(POINTER, *(type(one) for one in arguments))(self.table[place])
        status = function(*arguments)
        if status:
            message = ctypes.CFUNCTYPE(ctypes.c_char_p, POINTER)(self.table[GET_ERROR_MESSAGE])
            raise RuntimeError(message(POINTER(status)).decode())

    def made(self, place, *arguments):
        out = POINTER()
        self.call(place, *arguments, POINTER(ctypes.addressof(out)))
        return out

    def run(self, output_names, feeds):
        """feeds: float32 arrays by name. Returns arrays in the order of the names."""
        inputs = [np.ascontiguousarray(value, np.float32) for value in feeds.values()]
        values = (POINTER * len(inputs))(*(self.tensor(one) for one in inputs))
        names = self.texts(feeds.keys())
        wanted = self.texts(output_names)
        outputs = (POINTER * len(output_names))()
        self.call(
            RUN,
            self.session,
            POINTER(),
            POINTER(ctypes.addressof(names)),
            POINTER(ctypes.addressof(values)),
            ctypes.c_size_t(len(inputs)),
            POINTER(ctypes.addressof(wanted)),
            ctypes.c_size_t(len(output_names)),
            POINTER(ctypes.addressof(outputs)),
        )
        return [self.array(POINTER(one)) for one in outputs]

    def texts(self, names):
        return (ctypes.c_char_p * len(names))(*(name.encode() for name in names))

    def tensor(self, array):
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        return self.made(
            CREATE_TENSOR_WITH_DATA,
            self.memory,
            POINTER(array.ctypes.data),
            ctypes.c_size_t(array.nbytes),
            POINTER(ctypes.addressof(shape)),
            ctypes.c_size_t(array.ndim),
            ctypes.c_int(FLOAT),
        )

    def array(self, value):
        info = self.made(GET_TENSOR_TYPE_AND_SHAPE, value)
        dtype, count = ctypes.c_int(), ctypes.c_size_t()
        self.call(GET_TENSOR_ELEMENT_TYPE, info, POINTER(ctypes.addressof(dtype)))
        self.call(GET_DIMENSIONS_COUNT, info, POINTER(ctypes.addressof(count)))
        shape = (ctypes.c_int64 * count.value)()
        self.call(GET_DIMENSIONS, info, POINTER(ctypes.addressof(shape)), count)
        data = self.made(GET_TENSOR_MUTABLE_DATA, value)
        kind = np.dtype(DTYPES[dtype.value])
        size = int(np.prod(list(shape))) * kind.itemsize
        return np.frombuffer(ctypes.string_at(data, size), kind).reshape(list(shape))

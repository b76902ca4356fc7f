"""The library's C functions, called as include/api.json describes them."""
import ctypes
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = {"bool": ctypes.c_bool, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "int64_t": ctypes.c_int64,
           "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t, "intptr_t": ctypes.c_ssize_t, "double": ctypes.c_double}


class Failed(Exception):
    """A call that did not return CLAUDE_OK; `document` is the error's own."""

    def __init__(self, status, document):
        super().__init__(f"{status}: {document.get('message', '')}")
        self.status, self.document = status, document


class Library:
    """`library.claude_x(inputs…)` gives the output, or a tuple of several; `error` is taken care of."""

    def __init__(self, path):
        self.native = ctypes.CDLL(str(path))
        described = json.loads((ROOT / "include/api.json").read_text())
        self.functions = {function["name"]: function for function in described["functions"]}
        self.names = {value["value"]: value["name"] for enum in described["enums"]
                      if enum["name"] == "claude_status_t" for value in enum["values"]}
        for enum in described["enums"]:
            for value in enum["values"]:
                setattr(self, value["name"], value["value"])
        self.event_info = struct(next(s for s in described["structs"] if s["name"] == "claude_event_info_t"))
        for name in "claude_error_json", "claude_string_free", "claude_error_free":
            getattr(self.native, name).argtypes = [ctypes.c_void_p]
        self.native.claude_error_json.restype = ctypes.c_char_p

    def __getattr__(self, name):
        described = self.functions[name]
        native = getattr(self.native, name)

        def call(*inputs):
            return self.call(native, described, iter(inputs))
        setattr(self, name, call)
        return call

    def call(self, native, described, inputs):
        arguments, outputs, error = [], [], ctypes.c_void_p()
        for parameter in described["parameters"]:
            role = parameter["role"]
            if role == "error":
                arguments.append(ctypes.byref(error))
            elif role in ("out_text", "out_handle", "out_number", "out_struct"):
                output = self.output(parameter)
                outputs.append((role, output))
                arguments.append(ctypes.byref(output))
            elif role in ("callback", "user_data"):
                arguments.append(None)
            else:
                arguments.append(self.input(role, parameter, next(inputs)))
        native.restype = ctypes.c_int32 if described["fails"] else None
        status = native(*arguments)
        if described["fails"] and status != 0:
            raise Failed(self.names.get(status, status), self.document(error))
        given = [self.given(role, output) for role, output in outputs]
        return given[0] if len(given) == 1 else tuple(given) or None

    def output(self, parameter):
        if parameter["role"] == "out_struct":
            info = self.event_info()
            info.size = ctypes.sizeof(info)
            return info
        return NUMBERS[parameter["type"].rstrip("*")]() if parameter["role"] == "out_number" else ctypes.c_void_p()

    @staticmethod
    def input(role, parameter, value):
        if role in ("text", "json"):
            text = value if value is None or isinstance(value, str) else json.dumps(value)
            return ctypes.c_char_p(text.encode() if text is not None else None)
        if role == "handle":
            return value
        return NUMBERS.get(parameter["type"], ctypes.c_int32)(value)

    def given(self, role, output):
        if role != "out_text":
            return output.value if role == "out_number" else output
        text = ctypes.string_at(output.value).decode() if output.value else None
        self.native.claude_string_free(output)
        return text

    def document(self, error):
        if not error.value:
            return {}
        document = json.loads(self.native.claude_error_json(error) or b"{}")
        self.native.claude_error_free(error)
        return document


def struct(described):
    kinds = {"json": ctypes.c_char_p, "user_data": ctypes.c_void_p, "enum": ctypes.c_int32}
    members = [(member["name"], kinds.get(member["role"]) or NUMBERS[member["type"]]) for member in described["members"]]
    return type(described["name"], (ctypes.Structure,), {"_fields_": members})

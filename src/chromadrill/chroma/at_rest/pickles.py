"""A reader of `index_metadata.pickle` that knows plain data only.

Unpickling runs code, and a file can make it allocate without bound (one memo opcode of five bytes
asks for gigabytes). So the few opcodes that dicts of strings and numbers need are read here by hand;
whatever else the file holds is refused, not executed. The one exception is the record class in
which servers up to 0.6.3 wrote the same dict: its state is read, no class is looked up.
"""

from __future__ import annotations

import struct
from typing import Any


class PickleRefused(Exception):
    """The file holds more than plain data, an object or a call: it cannot be judged."""


class PickleDamaged(Exception):
    """The file is cut off or not a pickle of a dict."""


_MARK = object()
_PLAIN_RECORD = object()  # stands for PersistentData; calling it gives an empty dict
_RECORD_NAME = ("chromadb.segment.impl.vector.local_persistent_hnsw", "PersistentData")
_u16, _i32, _u32, _u64, _f64 = (struct.Struct(f) for f in ("<H", "<i", "<I", "<Q", ">d"))
_CONSTANTS: dict[int, Any] = {0x4E: None, 0x88: True, 0x89: False}


def read_dict(data: bytes) -> dict[Any, Any]:
    """Return the one dict in `data`. Raises PickleRefused or PickleDamaged."""
    if data[:1] in (b"(", b"}", b"]", b"c"):
        raise PickleRefused("protocol 0 or 1")  # no Chroma server writes these
    try:
        content = _run(data)
    except (LookupError, struct.error, ValueError, TypeError, AttributeError) as error:
        raise PickleDamaged(f"{type(error).__name__}") from error
    if not isinstance(content, dict):
        raise PickleDamaged("no dict in it")
    return content


def read_prefix(data: bytes) -> dict[str, dict[Any, Any]]:
    """Return the dicts under their names as far as a damaged file goes; no more than it says.

    Raises PickleRefused for more than plain data, whatever is behind it.
    """
    stack: list[Any] = []
    try:
        content = _run(data, stack)
    except (LookupError, struct.error, ValueError, TypeError, AttributeError):
        content = _unfinished(stack)
    if not isinstance(content, dict):
        return {}
    return {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, dict)
    }


def _unfinished(stack: list[Any]) -> Any:
    """The dict that was being filled when the file ended: of its entries, those that are whole."""
    while len(stack) > 1:
        place = len(stack) - 1
        while place > 0 and stack[place] is not _MARK:
            place -= 1
        if stack[place] is not _MARK:
            return stack[0]
        items, above = stack[place + 1 :], stack[place - 1] if place else None
        del stack[place:]
        if not isinstance(above, dict):
            return stack[0] if stack else None
        for key, value in zip(items[::2], items[1::2], strict=False):
            if isinstance(key, str | int):
                above[key] = value
    return stack[0] if stack else None


def _run(data: bytes, stack: list[Any] | None = None) -> Any:
    stack = [] if stack is None else stack
    memo: dict[int, Any] = {}
    push = stack.append
    at = 0
    while True:
        op = data[at]
        at += 1
        if op == 0x58 or op == 0x8C:  # (SHORT_)BINUNICODE
            if op == 0x58:
                size = _u32.unpack_from(data, at)[0]
                at += 4
            else:
                size = data[at]
                at += 1
            if at + size > len(data):
                raise IndexError
            push(data[at : at + size].decode("utf-8", "surrogatepass"))
            at += size
        elif op == 0x4A:  # BININT
            push(_i32.unpack_from(data, at)[0])
            at += 4
        elif op == 0x4B:  # BININT1
            push(data[at])
            at += 1
        elif op == 0x4D:  # BININT2
            push(_u16.unpack_from(data, at)[0])
            at += 2
        elif op == 0x94:  # MEMOIZE
            memo[len(memo)] = stack[-1]
        elif op == 0x71:  # BINPUT
            memo[data[at]] = stack[-1]
            at += 1
        elif op == 0x72:  # LONG_BINPUT
            memo[_u32.unpack_from(data, at)[0]] = stack[-1]
            at += 4
        elif op == 0x68:  # BINGET
            push(memo[data[at]])
            at += 1
        elif op == 0x6A:  # LONG_BINGET
            push(memo[_u32.unpack_from(data, at)[0]])
            at += 4
        elif op == 0x28:
            push(_MARK)
        elif op == 0x75:  # SETITEMS
            start = len(stack) - 1
            while stack[start] is not _MARK:
                start -= 1
            items = stack[start + 1 :]
            del stack[start:]
            if len(items) % 2 or not isinstance(stack[-1], dict):
                raise ValueError
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        elif op == 0x73:  # SETITEM
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif op == 0x7D:
            push({})
        elif op in _CONSTANTS:
            push(_CONSTANTS[op])
        elif op == 0x8A:  # LONG1
            size = data[at]
            push(int.from_bytes(data[at + 1 : at + 1 + size], "little", signed=True))
            at += 1 + size
        elif op == 0x47:  # BINFLOAT
            push(_f64.unpack_from(data, at)[0])
            at += 8
        elif op == 0x80:  # PROTO
            at += 1
        elif op == 0x95:  # FRAME
            _u64.unpack_from(data, at)
            at += 8
        elif op == 0x2E:  # STOP
            return stack[-1]
        elif op == 0x93 and (stack[-2], stack[-1]) == _RECORD_NAME:  # STACK_GLOBAL
            stack[-2:] = [_PLAIN_RECORD]
        elif op == 0x29:  # EMPTY_TUPLE
            push(())
        elif op == 0x81 and stack[-2] is _PLAIN_RECORD and stack[-1] == ():  # NEWOBJ
            stack[-2:] = [{}]
        elif op == 0x62 and isinstance(stack[-1], dict):  # BUILD
            state = stack.pop()
            stack[-1].update(state)
        elif op in b"cioR\x81\x92\x93bPQ\x82\x83\x84]aelt\x85\x86\x87\x8f\x90\x91BCT":
            raise PickleRefused(f"opcode 0x{op:02x} at byte {at - 1}")
        else:
            raise ValueError

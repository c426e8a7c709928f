"""Makes system calls under a seccomp filter, and prints what came of each, one line a call.

Arguments, one a call: NUMBER,ARGUMENT,... (`thread:` in front: in a thread of its own; `int80:` in front: through the
interrupt that 32-bit programs use, without arguments).
"""

import ctypes
import mmap
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)


def call(text):
    number, *arguments = (ctypes.c_long(int(value, 0)) for value in text.split(","))
    result = libc.syscall(number, *arguments)
    return f"errno {ctypes.get_errno()}" if result == -1 else "done"


def interrupt(number):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8" + int(number, 0).to_bytes(4, "little") + b"\xcd\x80\xc3")  # mov eax; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    return f"errno {-result}" if result < 0 else "done"


for argument in sys.argv[1:]:
    kind, _, text = argument.rpartition(":")
    if kind == "thread":
        thread = threading.Thread(target=lambda: print(call(text), flush=True), daemon=True)
        thread.start()
        thread.join(0.5)
        print("thread is over", flush=True)
    else:
        print(interrupt(text) if kind == "int80" else call(text), flush=True)

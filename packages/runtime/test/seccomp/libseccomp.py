"""Makes filters with libseccomp, the way runc does, from profiles as JSON on standard input.

Input:  {"names": [...], "arches": [...], "profiles": [{"arches": [native, ...], "default": [action, data],
         "badArch": [action, data] or null for libseccomp's own choice,
         "rules": [[action, data, name, [[index, op, value, valueTwo], ...]], ...]}, ...]}
        Numbers of 64 bits are decimal text.
Output: {"numbers": {name: [number on each of arches, ...]}, "filters": [hex, or null when libseccomp refused]}
        Names that libseccomp does not have have the number -1 everywhere; further negative numbers stand for calls that
        an ABI does not have.
"""

import json
import sys
import tempfile

import seccomp

PLAIN = {
    "KILL_PROCESS": seccomp.KILL_PROCESS,
    "KILL_THREAD": seccomp.KILL,
    "TRAP": seccomp.TRAP,
    "LOG": seccomp.LOG,
    "ALLOW": seccomp.ALLOW,
    "NOTIFY": seccomp.NOTIFY,
}
OPERATORS = {name: getattr(seccomp, name) for name in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")}


def action(pair):
    name, data = pair
    if name == "ERRNO":
        return seccomp.ERRNO(data)
    if name == "TRACE":
        return seccomp.TRACE(data)
    return PLAIN[name]


def build(profile):
    result = seccomp.SyscallFilter(action(profile["default"]))
    wanted = [seccomp.Arch(getattr(seccomp.Arch, name)) for name in profile["arches"]]
    for arch in wanted:
        if not result.exist_arch(arch):
            result.add_arch(arch)
    if int(seccomp.Arch()) not in [int(arch) for arch in wanted]:
        result.remove_arch(seccomp.Arch())
    if profile["badArch"] is not None:
        result.set_attr(seccomp.Attr.ACT_BADARCH, action(profile["badArch"]))
    for name, data, call, conditions in profile["rules"]:
        arguments = [
            seccomp.Arg(index, OPERATORS[op], int(value), int(value_two))
            for index, op, value, value_two in conditions
        ]
        result.add_rule(action([name, data]), call, *arguments)
    with tempfile.TemporaryFile() as file:
        result.export_bpf(file)
        file.seek(0)
        return file.read().hex()


def attempt(profile):
    try:
        return build(profile)
    except (RuntimeError, OSError):
        return None


request = json.load(sys.stdin)
arches = [seccomp.Arch(getattr(seccomp.Arch, name)) for name in request["arches"]]
json.dump(
    {
        "numbers": {name: [seccomp.resolve_syscall(arch, name) for arch in arches] for name in request["names"]},
        "filters": [attempt(profile) for profile in request["profiles"]],
    },
    sys.stdout,
)

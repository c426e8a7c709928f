import { accessLetters, checkDeviceRule } from '../plan/device-rule.js'
import type { DeviceRule } from '../plan/resources.js'

/** Bits of the access in `struct bpf_cgroup_dev_ctx`. */
const access = { m: 1, r: 2, w: 4 } as const
/** Types of devices in it. */
const kind = { b: 1, c: 2 } as const

/** Registers: the result, the context, and what the program keeps of it. */
const [R0, R1, TYPE, ACCESS, MAJOR, MINOR, WANTED] = [0, 1, 2, 3, 4, 5, 6]

/** Operations of eBPF; see bpf(2) and the kernel's instruction set documentation. */
const op = {
  loadWord: 0x61, // dst = *(u32 *)(src + offset)
  moveTo: 0xb7, // dst = value
  move32: 0xbc, // dst = src, lower half
  and32: 0x54, // dst &= value
  shiftRight32: 0x74, // dst >>= value
  jumpUnequal: 0x55, // to offset unless dst == value
  jumpEqual: 0x15, // to offset if dst == value
  exit: 0x95,
} as const

type Instruction = readonly [code: number, dst: number, src: number, offset: number, value: number]

const allow: readonly Instruction[] = [
  [op.moveTo, R0, 0, 0, 1],
  [op.exit, 0, 0, 0, 0],
]
const deny: readonly Instruction[] = [
  [op.moveTo, R0, 0, 0, 0],
  [op.exit, 0, 0, 0, 0],
]

/**
 * Assembles the eBPF program (`BPF_PROG_TYPE_CGROUP_DEVICE`) that device rules are on v2. The last rule about a
 * device holds, for each of read, write and mknod by itself, so that here a rule can also take something out of a
 * wider one before it. Pure.
 *
 * @param rules - As in `Resources.devices`; what comes before a rule about everything does not count.
 * @returns Instructions of 8 bytes each, in the byte order of x86-64 and arm64.
 * @throws {@link CgroupError} `ERR_CGROUP_INVALID_ARG`: a rule of a bad shape.
 * @see {@link https://docs.kernel.org/bpf/standardization/instruction-set.html}
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  for (const [index, rule] of rules.entries()) checkDeviceRule(rule, index)
  const start = rules.findLastIndex(({ type }) => type === 'a')
  const general = rules[start]?.allow ?? false
  const code: Instruction[] = [
    [op.loadWord, TYPE, R1, 0, 0],
    [op.move32, ACCESS, TYPE, 0, 0],
    [op.and32, TYPE, 0, 0, 0xffff],
    [op.shiftRight32, ACCESS, 0, 0, 16],
    [op.loadWord, MAJOR, R1, 4, 0],
    [op.loadWord, MINOR, R1, 8, 0],
  ]
  for (const rule of rules.slice(start + 1).reverse()) code.push(...ofRule(rule))
  return encode([...code, ...(general ? allow : deny)])
}

/** A rule about another device is jumped over; what an allowing rule allows is no longer asked for. */
function ofRule({ type, major, minor, access: letters, allow: allows }: DeviceRule): Instruction[] {
  const bits = accessLetters.reduce((sum, letter) => sum | (letters.includes(letter) ? access[letter] : 0), 0)
  const body: Instruction[] = allows
    ? [[op.and32, ACCESS, 0, 0, 7 & ~bits], [op.jumpUnequal, ACCESS, 0, allow.length, 0], ...allow]
    : [
        [op.move32, WANTED, ACCESS, 0, 0],
        [op.and32, WANTED, 0, 0, bits],
        [op.jumpEqual, WANTED, 0, deny.length, 0],
        ...deny,
      ]
  const tests: [register: number, value: number][] = [[TYPE, kind[type as 'b' | 'c']]]
  if (major !== undefined) tests.push([MAJOR, major])
  if (minor !== undefined) tests.push([MINOR, minor])
  const jumps = tests.map(([register, value], index): Instruction => {
    const over = tests.length - index - 1 + body.length
    return [op.jumpUnequal, register, 0, over, value]
  })
  return [...jumps, ...body]
}

function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(code.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [index, [operation, dst, src, offset, value]] of code.entries()) {
    view.setUint8(index * 8, operation)
    view.setUint8(index * 8 + 1, (src << 4) | dst)
    view.setInt16(index * 8 + 2, offset, true)
    view.setInt32(index * 8 + 4, value, true)
  }
  return bytes
}

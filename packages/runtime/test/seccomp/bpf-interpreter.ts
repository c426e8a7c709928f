/** What a filter is asked about, `struct seccomp_data` of linux/seccomp.h. */
export interface SeccompData {
  readonly number: number
  readonly arch: number
  readonly args: readonly bigint[]
}

/** The kernel's form of {@link SeccompData}; the instruction pointer is 0. */
function encodeData({ number, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64))
  view.setUint32(0, number, true)
  view.setUint32(4, arch, true)
  for (const [index, value] of args.entries()) view.setBigUint64(16 + 8 * index, value, true)
  return view
}

/**
 * Runs a classic BPF program as the kernel would, with the instructions that seccomp filters of this package and of
 * libseccomp use. Anything else, and a program that runs past its end, is an error.
 */
export function runFilter(program: Uint8Array, data: SeccompData): { result: number; steps: number } {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const view = encodeData(data)
  let accumulator = 0
  let index = 0
  for (let steps = 1; index * 8 < program.length; steps++) {
    const opcode = code.getUint16(index * 8, true)
    const k = code.getUint32(index * 8 + 4, true)
    index += 1
    const jump = (holds: boolean) => (index += code.getUint8((index - 1) * 8 + (holds ? 2 : 3)))
    switch (opcode) {
      case 0x20: // BPF_LD | BPF_W | BPF_ABS
        if (k % 4 !== 0) throw new Error(`load at ${k} is not aligned`)
        accumulator = view.getUint32(k, true)
        break
      case 0x54: // BPF_ALU | BPF_AND | BPF_K
        accumulator = (accumulator & k) >>> 0
        break
      case 0x05: // BPF_JMP | BPF_JA
        index += k
        break
      case 0x15: // BPF_JMP | BPF_JEQ | BPF_K
        jump(accumulator === k)
        break
      case 0x25: // BPF_JMP | BPF_JGT | BPF_K
        jump(accumulator > k)
        break
      case 0x35: // BPF_JMP | BPF_JGE | BPF_K
        jump(accumulator >= k)
        break
      case 0x45: // BPF_JMP | BPF_JSET | BPF_K
        jump((accumulator & k) !== 0)
        break
      case 0x06: // BPF_RET | BPF_K
        return { result: k, steps }
      default:
        throw new Error(`instruction ${index - 1} has unknown code 0x${opcode.toString(16)}`)
    }
  }
  throw new Error('program runs past its end')
}

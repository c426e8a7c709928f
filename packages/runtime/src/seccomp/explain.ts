import {
  AND,
  decode,
  JUMP,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_GREATER_EQUAL,
  LOAD_WORD,
  RETURN,
} from './assembler.js'

const conditions = new Map([
  [JUMP_EQUAL, '=='],
  [JUMP_GREATER, '>'],
  [JUMP_GREATER_EQUAL, '>='],
])

const actions = new Map([
  [0x8000_0000, 'KILL_PROCESS'],
  [0, 'KILL_THREAD'],
  [0x0003_0000, 'TRAP'],
  [0x0005_0000, 'ERRNO'],
  [0x7fc0_0000, 'NOTIFY'],
  [0x7ff0_0000, 'TRACE'],
  [0x7ffc_0000, 'LOG'],
  [0x7fff_0000, 'ALLOW'],
])

/**
 * Prints a seccomp filter as text, one line an instruction, jumps with the number of the line they go to.
 *
 * @param program - Array of `struct sock_filter`, as {@link compileSeccomp} makes it. Instructions that it never
 *   makes are printed in numbers.
 */
export function explainSeccomp(program: Uint8Array): string {
  const lines = decode(program).map(({ code, jt, jf, k }, index) => {
    const target = (offset: number) => String(index + 1 + offset)
    const condition = conditions.get(code)
    let text = `code 0x${code.toString(16)} k 0x${k.toString(16)} jt ${jt} jf ${jf}`
    if (condition !== undefined) {
      text = `if A ${condition} 0x${k.toString(16)} goto ${target(jt)} else ${target(jf)}`
    }
    if (code === LOAD_WORD) text = `A = ${field(k)}`
    if (code === AND) text = `A &= 0x${k.toString(16)}`
    if (code === JUMP) text = `goto ${target(k)}`
    if (code === RETURN) text = `return ${result(k)}`
    return `${String(index).padStart(4)}  ${text}\n`
  })
  return lines.join('')
}

function field(offset: number): string {
  if (offset === 0) return 'number'
  if (offset === 4) return 'arch'
  const half = offset % 8 === 0 ? 'low' : 'high'
  return offset < 16 ? `data[${offset}]` : `args[${(offset - 16) >> 3}].${half}`
}

function result(value: number): string {
  const data = value & 0xffff
  const name = actions.get(value - data) ?? `0x${value.toString(16)}`
  return data === 0 ? name : `${name}(${data})`
}

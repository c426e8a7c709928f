import { describe, expect, it } from '@jest/globals'
import { defaultDeviceRules } from '../plan/default-device-rules.js'
import type { DeviceRule } from '../plan/resources.js'
import { deviceProgram } from './device-program.js'

interface Request {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly access: string
}

/** Runs a program as the kernel does: the instructions that the assembler uses, on 64-bit registers. */
function run(program: Uint8Array, { type, major, minor, access }: Request): boolean {
  const view = new DataView(program.buffer)
  const bits = Object.entries({ m: 1, r: 2, w: 4 }).reduce(
    (sum, [letter, bit]) => sum | (access.includes(letter) ? bit : 0),
    0,
  )
  const context = [(bits << 16) | { b: 1, c: 2 }[type], major, minor]
  const registers = new Array<number>(11).fill(0)
  for (let at = 0, steps = 0; steps < 10_000; at++, steps++) {
    const [code, who] = [view.getUint8(at * 8), view.getUint8(at * 8 + 1)]
    const [dst, src] = [who & 15, who >> 4]
    const [offset, value] = [view.getInt16(at * 8 + 2, true), view.getInt32(at * 8 + 4, true)]
    if (code === 0x61) registers[dst] = context[offset / 4]!
    else if (code === 0xb7) registers[dst] = value
    else if (code === 0xbc) registers[dst] = registers[src]!
    else if (code === 0x54) registers[dst] = (registers[dst]! & value) >>> 0
    else if (code === 0x74) registers[dst] = registers[dst]! >>> value
    else if (code === 0x55) at += registers[dst] !== value ? offset : 0
    else if (code === 0x15) at += registers[dst] === value ? offset : 0
    else if (code === 0x95) return registers[0] === 1
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('no end')
}

/** What the documentation says: for each access the last rule about the device holds. */
function judge(rules: readonly DeviceRule[], { type, major, minor, access }: Request): boolean {
  return Array.from(access).every((letter) => {
    const last = rules.findLast(
      (rule) =>
        (rule.type === 'a' || rule.type === type) &&
        (rule.major ?? major) === major &&
        (rule.minor ?? minor) === minor &&
        rule.access.includes(letter),
    )
    return last?.allow ?? false
  })
}

const accesses = ['r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm']

describe('deviceProgram()', () => {
  it('allows the usual devices and nothing else', () => {
    const program = deviceProgram(defaultDeviceRules)
    const null_ = { type: 'c', major: 1, minor: 3 } as const
    expect(run(program, { ...null_, access: 'rwm' })).toBe(true)
    expect(run(program, { ...null_, minor: 11, access: 'r' })).toBe(false)
    expect(run(program, { ...null_, minor: 11, access: 'm' })).toBe(true)
    expect(run(program, { ...null_, type: 'b', access: 'rw' })).toBe(false)
    expect(run(program, { type: 'c', major: 136, minor: 7, access: 'rw' })).toBe(true)
  })

  it('allows nothing without rules', () => {
    expect(run(deviceProgram([]), { type: 'c', major: 1, minor: 3, access: 'r' })).toBe(false)
  })

  it('takes a device out of a wider rule', () => {
    const program = deviceProgram([
      { allow: true, type: 'c', access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 11, access: 'rw' },
    ])
    expect(run(program, { type: 'c', major: 1, minor: 11, access: 'r' })).toBe(false)
    expect(run(program, { type: 'c', major: 1, minor: 11, access: 'm' })).toBe(true)
    expect(run(program, { type: 'c', major: 1, minor: 12, access: 'rw' })).toBe(true)
  })

  it('judges as the rules read, for lists of every kind', () => {
    let seed = 7
    const pick = <T>(of: readonly T[]): T => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return of[(seed >> 8) % of.length]!
    }
    const numbers = [undefined, 0, 1, 5]
    const requests = (['b', 'c'] as const).flatMap((type) =>
      [0, 1, 5].flatMap((major) =>
        [0, 1, 7].flatMap((minor) => accesses.map((access) => ({ type, major, minor, access }))),
      ),
    )
    for (let round = 0; round < 300; round++) {
      const rules = Array.from({ length: round % 9 }, (): DeviceRule => {
        const type = pick(['a', 'b', 'c', 'b', 'c', 'c'] as const)
        return type === 'a'
          ? { allow: pick([true, false]), type, access: 'rwm' }
          : {
              allow: pick([true, false]),
              type,
              major: pick(numbers),
              minor: pick(numbers),
              access: pick(accesses),
            }
      })
      const program = deviceProgram(rules)
      const wrong = requests.filter((request) => run(program, request) !== judge(rules, request))
      expect({ rules, wrong }).toEqual({ rules, wrong: [] })
    }
  })
})

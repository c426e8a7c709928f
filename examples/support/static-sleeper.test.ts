import { describe, expect, it } from '@jest/globals'
import { parseElf } from '../pack/elf.js'
import { staticSleeper } from './static-sleeper.js'

describe('staticSleeper()', () => {
  it.each([
    ['x64', 62],
    ['arm64', 183],
  ])('is a static program for %s', (architecture, machine) => {
    const bytes = staticSleeper(architecture)
    const read = (offset: number, length: number) => bytes.subarray(offset, offset + length)
    expect(parseElf(read)).toEqual({ machine, interpreter: undefined, needed: [], rpath: [], runpath: [] })
    expect(bytes.length).toBeLessThan(160)
  })

  it('is not made for other processors', () => {
    expect(() => staticSleeper('mips')).toThrow('cannot make a program for mips')
  })
})

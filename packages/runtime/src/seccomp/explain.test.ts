import { describe, expect, it } from '@jest/globals'
import { compileSeccomp } from './compile.js'
import { explainSeccomp } from './explain.js'

describe('explainSeccomp()', () => {
  it('prints a filter line by line', () => {
    const { program } = compileSeccomp(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['reboot'], action: 'SCMP_ACT_ERRNO' },
          {
            names: ['clone'],
            action: 'SCMP_ACT_KILL_PROCESS',
            args: [{ index: 0, value: 0x1000_0000, valueTwo: 0x1000_0000, op: 'SCMP_CMP_MASKED_EQ' }],
          },
        ],
      },
      { architecture: 'x64' },
    )
    expect(explainSeccomp(program)).toBe(
      [
        '   0  A = arch',
        '   1  if A == 0xc000003e goto 2 else 12',
        '   2  A = number',
        '   3  if A >= 0xa9 goto 8 else 4',
        '   4  if A == 0x38 goto 5 else 13',
        '   5  A = args[0].low',
        '   6  A &= 0x10000000',
        '   7  if A == 0x10000000 goto 12 else 13',
        '   8  if A >= 0x40000000 goto 11 else 9',
        '   9  if A >= 0xaa goto 13 else 10',
        '  10  return ERRNO(1)',
        '  11  if A >= 0xffffffff goto 13 else 12',
        '  12  return KILL_PROCESS',
        '  13  return ALLOW',
        '',
      ].join('\n'),
    )
  })

  it('prints what it does not know in numbers', () => {
    expect(explainSeccomp(Uint8Array.of(0x45, 0, 1, 2, 4, 0, 0, 0))).toBe('   0  code 0x45 k 0x4 jt 1 jf 2\n')
  })
})

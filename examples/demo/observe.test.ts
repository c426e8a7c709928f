import { execFileSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { compare, observer, parseObservation } from './observe.js'

describe('observer', () => {
  it('runs in the shell of this machine and sees it', () => {
    const seen = parseObservation(execFileSync('/bin/sh', ['-c', observer], { encoding: 'utf8' }))
    expect(Number(seen.get('processes'))).toBeGreaterThan(0)
    expect(Number(seen.get('mounts'))).toBeGreaterThan(0)
    expect(seen.get('interfaces')).toContain('lo')
    expect(seen.get('capabilities')).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('compare()', () => {
  it('reads limits of v1 and of v2, and none', () => {
    const v1 = parseObservation(
      'memory=9223372036854771712\ncpu=50000\npids=max\ncapabilities=00000000000000ff\n',
    )
    const v2 = parseObservation('memory=67108864\ncpu=150000 100000\npids=64\ncapabilities=0\n')
    const rows = new Map(compare(v1, v2, '10.0.0.2').map(([title, ...cells]) => [title, cells]))
    expect(rows.get('memory limit')).toEqual(['none', '64.0 MiB'])
    expect(rows.get('processors')).toEqual(['0.5', '1.5'])
    expect(rows.get('process limit')).toEqual(['none', '64'])
    expect(rows.get('capabilities')).toEqual(['8', '0'])
    expect(rows.get('IPv4 address')?.[1]).toBe('10.0.0.2')
    expect(rows.get('host name')).toEqual(['?', '?'])
  })
})

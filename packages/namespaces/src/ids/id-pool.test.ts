import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { freeIds } from './free-ids.js'
import { IdPool } from './id-pool.js'

describe('freeIds()', () => {
  const ranges = [
    { first: 100, size: 10 },
    { first: 200, size: 30 },
  ]

  it.each([
    [10, [], 100],
    [11, [], 200],
    [5, [{ first: 100, size: 5 }], 105],
    [6, [{ first: 100, size: 5 }], 200],
    [
      5,
      [
        { first: 210, size: 5 },
        { first: 100, size: 10 },
        { first: 200, size: 3 },
      ],
      203,
    ],
    [20, [{ first: 190, size: 15 }], 205],
    [31, [], undefined],
    [30, [{ first: 229, size: 1 }], undefined],
  ])('finds %d beside %j', (size, taken, first) => {
    expect(freeIds(ranges, taken, size)?.first).toBe(first)
  })
})

describe('IdPool', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-test-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })
  const range = (first: number, size: number) => [{ first, size }]
  const pool = (): IdPool => new IdPool({ folder, ids: { uid: range(1000, 30), gid: range(5000, 30) } })

  it('gives away what nobody has, and takes it back', () => {
    const first = pool().claim({ size: 10 })
    const second = pool().claim({ size: 10 })
    expect([first.uid.first, second.uid.first, second.gid.first]).toEqual([1000, 1010, 5010])
    expect(second.maps).toEqual({
      uid: [{ inside: 0, outside: 1010, size: 10 }],
      gid: [{ inside: 0, outside: 5010, size: 10 }],
    })
    first.release()
    first.release()
    expect(pool().claim({ size: 10 }).uid.first).toBe(1000)
    expect(() => pool().claim({ size: 20 })).toThrow(
      expect.objectContaining({ code: 'ERR_NAMESPACES_NO_IDS' }),
    )
  })

  it('keeps claims with a name, and knows them again', () => {
    {
      using claim = pool().claim({ size: 10, name: 'c-1' })
      expect(claim.uid.first).toBe(1000)
    }
    expect(pool().claim({ size: 10, name: 'c-1' }).uid.first).toBe(1000)
    expect(pool().claim({ size: 10, name: 'c-2' }).uid.first).toBe(1010)
    expect(() => pool().claim({ size: 11, name: 'c-1' })).toThrow('it has 10 already')
    pool().release('c-1')
    expect(
      pool()
        .claims()
        .map(({ owner }) => owner.name),
    ).toEqual(['c-2'])
  })

  it('takes back those of processes that have ended, whatever has their number now', () => {
    writeFileSync(join(folder, `1000-5000-10-p=${process.pid}.1.deadbeef`), '')
    writeFileSync(join(folder, '1010-5010-10-p=1.1.deadbeef'), '')
    writeFileSync(join(folder, 'something else'), '')
    using claim = pool().claim({ size: 30 })
    expect(claim.uid.first).toBe(1000)
    expect(readdirSync(folder)).toHaveLength(3) // the lock, the file of others, the claim
  })

  it('keeps off what others have chosen, until that is released', () => {
    const map = [{ inside: 0, outside: 1005, size: 2 }]
    pool().hold({ uid: map, gid: map }, 'chosen')
    pool().hold({ uid: map, gid: map }, 'chosen')
    pool().hold({ uid: map, gid: [{ inside: 0, outside: 5000, size: 20 }] }, 'overlapping')
    const claim = pool().claim({ size: 10 })
    expect([claim.uid.first, claim.gid.first]).toEqual([1007, 5020])
    pool().release('chosen')
    pool().release('overlapping')
    expect(pool().claim({ size: 5 }).uid.first).toBe(1000)
    expect(() => {
      pool().hold({ uid: [], gid: map }, 'x')
    }).toThrow('cannot map uids')
  })

  it.each(['', 'a/b', '../x', 'x'.repeat(65)])('refuses the name %j', (name) => {
    expect(() => pool().claim({ name })).toThrow('cannot claim ids by the name')
  })

  it('keeps clear of users and of subordinate ids of this host', () => {
    using claim = new IdPool({ folder }).claim()
    expect(claim.uid.first).toBeGreaterThanOrEqual(524_288)
    expect(claim.uid.size).toBe(65_536)
  })
})

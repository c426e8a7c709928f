import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { findIdMaps, mapsAround } from './find-id-maps.js'
import { joined, parseSubordinate, subordinateIds } from './subordinate-ids.js'

describe('parseSubordinate()', () => {
  it('reads names and numbers, and leaves out what is no range', () => {
    const text = `alice:100000:65536
# bob:1:1
 1001:200000:1
:5:5
carol:5
dave:-1:5
erin:5:0
frank:4294967295:1
grace:4294967000:296
heidi:4294967000:295
ivan:99999999999:1`
    expect(parseSubordinate(text).map(({ user, range }) => [user, range.first, range.size])).toEqual([
      ['alice', 100_000, 65_536],
      ['1001', 200_000, 1],
      ['heidi', 4_294_967_000, 295],
    ])
  })
})

describe('joined()', () => {
  it('is the same ids in as few ranges as can be', () => {
    expect(
      joined([
        { first: 20, size: 5 },
        { first: 0, size: 10 },
        { first: 10, size: 2 },
        { first: 5, size: 3 },
      ]),
    ).toEqual([
      { first: 0, size: 12 },
      { first: 20, size: 5 },
    ])
  })
})

describe('subordinateIds()', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-test-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('finds all ranges of a user, by its name and by its number', () => {
    writeFileSync(join(folder, 'passwd'), 'root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n')
    writeFileSync(join(folder, 'subuid'), 'alice:100000:10\n1000:200000:10\n100:5:5\n')
    writeFileSync(join(folder, 'subgid'), 'alice:300000:10\n')
    expect(subordinateIds({ uid: 1000, folder })).toEqual({
      uid: [
        { first: 100_000, size: 10 },
        { first: 200_000, size: 10 },
      ],
      gid: [{ first: 300_000, size: 10 }],
    })
    expect(subordinateIds({ uid: 7, name: 'alice', folder }).gid).toHaveLength(1)
  })

  it('is empty where there are no files', () => {
    expect(subordinateIds({ uid: 1000, folder })).toEqual({ uid: [], gid: [] })
  })
})

describe('mapsAround()', () => {
  it('puts subordinate ids around the own one', () => {
    const ranges = [
      { first: 1000, size: 5 },
      { first: 2000, size: 5 },
    ]
    const maps = mapsAround({ uid: 3, gid: 100 }, { uid: ranges, gid: ranges })
    const own = process.geteuid!()
    expect(maps.uid).toEqual([
      { inside: 0, outside: 1000, size: 3 },
      { inside: 3, outside: own, size: 1 },
      { inside: 4, outside: 1003, size: 2 },
      { inside: 6, outside: 2000, size: 5 },
    ])
    expect(maps.gid).toEqual([
      { inside: 0, outside: 1000, size: 5 },
      { inside: 5, outside: 2000, size: 5 },
      { inside: 100, outside: process.getegid!(), size: 1 },
    ])
  })
})

describe('findIdMaps()', () => {
  it('is the own ids alone where there are no others', () => {
    const { maps, limited } = findIdMaps({ subordinate: { uid: [], gid: [{ first: 5, size: 1 }] } })
    expect(maps.uid).toEqual([{ inside: 0, outside: process.geteuid!(), size: 1 }])
    expect(maps.gid).toHaveLength(1)
    expect(limited).toMatch(/^only one id is mapped: \/etc\/subuid has no ids for user/)
  })
})

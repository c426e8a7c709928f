import { describe, expect, it } from '@jest/globals'
import type { ArchiveEntry } from './archive-entry.js'
import { ArchiveReader } from './archive-reader.js'
import { writeHeader, type WrittenEntry } from './write-header.js'

const plain: WrittenEntry = {
  kind: 'file',
  path: 'a/b',
  target: '',
  size: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeNs: 1_700_000_000_000_000_000n,
  attributes: [],
  major: 0,
  minor: 0,
}

function readBack(header: Buffer): ArchiveEntry {
  const seen: ArchiveEntry[] = []
  const reader = new ArchiveReader((entry) => {
    seen.push(entry)
    return undefined
  })
  reader.write(header)
  expect(seen).toHaveLength(1)
  return seen[0]!
}

describe('writeHeader()', () => {
  it.each<[string, Partial<WrittenEntry>]>([
    ['a plain file', {}],
    ['a folder', { kind: 'directory', path: 'a/', mode: 0o1777 }],
    ['a link', { kind: 'symlink', target: '../x', mode: 0o777 }],
    ['a long link', { kind: 'symlink', target: 'x/'.repeat(500) }],
    ['a hard link to a long name', { kind: 'hardlink', target: 'y'.repeat(101) }],
    ['a device', { kind: 'block-device', major: 259, minor: 70_000 }],
    ['a fifo', { kind: 'fifo', mode: 0o6755 }],
    ['the longest short name', { path: 'n'.repeat(100) }],
    ['the shortest long name', { path: 'n'.repeat(101) }],
    ['a name that is no UTF-8', { path: '\xff\xfe/\x01' }],
    ['a large file', { size: 2 ** 40 }],
    ['large owners', { uid: 0xffff_fffe, gid: 2_097_152 }],
    ['nanoseconds', { mtimeNs: 1_700_000_000_123_456_780n }],
    ['a time before 1970', { mtimeNs: -1_500_000_000n }],
    ['the beginning of time', { mtimeNs: 0n }],
    ['a time far ahead', { mtimeNs: 9_000_000_000_000_000_001n }],
    [
      'attributes that are no text',
      {
        attributes: [
          { name: 'security.capability', value: Buffer.from([1, 0, 0, 2, 10, 61, 255]) },
          { name: 'user.a', value: Buffer.alloc(0) },
          { name: 'user.z', value: Buffer.alloc(1000, 'z') },
        ],
      },
    ],
  ])('writes %s so that it is read back', (_, told) => {
    const entry = { ...plain, ...told }
    expect(readBack(writeHeader(entry))).toEqual({ ...entry, sparse: undefined })
  })

  it('writes one block where that is enough', () => {
    expect(writeHeader(plain)).toHaveLength(512)
    expect(writeHeader({ ...plain, uid: 3_000_000 })).toHaveLength(1536)
  })

  it('writes the same bytes whatever the order of attributes', () => {
    const a = { name: 'user.a', value: Buffer.from('1') }
    const b = { name: 'user.b', value: Buffer.from('2') }
    const [one, other] = [
      [a, b],
      [b, a],
    ].map((attributes) => writeHeader({ ...plain, attributes }))
    expect(one!.equals(other!)).toBe(true)
  })
})

import { describe, expect, it } from '@jest/globals'
import { entryBlocks, tarOf, type RawEntry } from '../../test/tar-builder.js'
import type { ArchiveEntry } from './archive-entry.js'
import { ArchiveReader } from './archive-reader.js'

interface Seen {
  readonly entry: ArchiveEntry
  content: string
}

function read(archive: Buffer, chunkSize = archive.length): Seen[] {
  const seen: Seen[] = []
  const reader = new ArchiveReader((entry) => {
    const one: Seen = { entry, content: '' }
    seen.push(one)
    if (entry.kind !== 'file') return undefined
    return {
      write: (bytes) => (one.content += Buffer.from(bytes).toString('latin1')),
      end: () => (one.content += '.'),
      skip: (bytes) => (one.content += `<${bytes}>`),
      abort: () => (one.content += '!'),
    }
  })
  for (let at = 0; at < archive.length; at += chunkSize) reader.write(archive.subarray(at, at + chunkSize))
  reader.end()
  return seen
}

/** A sparse file with these records of GNU's. */
function sparse(content: string, records: Readonly<Record<string, string>>): Buffer {
  const pax = Object.fromEntries(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]))
  return tarOf({ name: 'GNUSparseFile.1/a', content, pax }, { name: 'next' })
}

const damaged = tarOf({ name: 'a' })
damaged[5] = 1

const paths = (seen: readonly Seen[]): string[] => seen.map(({ entry }) => entry.path)

describe('ArchiveReader', () => {
  const mixed: RawEntry[] = [
    { name: 'folder/', type: '5', mode: 0o1777, uid: 1, gid: 2, mtime: 1700000000 },
    {
      name: 'folder/a',
      content: 'x'.repeat(1500),
      pax: { mtime: '1.000000001', 'SCHILY.xattr.user.a': '\xff\x00' },
    },
    { name: 'empty' },
    { name: 'link', type: '2', target: 'folder/a' },
    { name: 'hard', type: '1', target: 'folder/a' },
    { name: 'null', type: '3', major: 1, minor: 3 },
    { name: 'short', content: 'y', pax: { path: 'a/long/name', uid: '70000', linkpath: 'ignored' } },
  ]

  it.each([1, 100, 511, 512, 513, 4096, 1e6])('reads entries out of chunks of %i bytes', (chunkSize) => {
    const seen = read(tarOf(...mixed), chunkSize)
    expect(paths(seen)).toEqual(['folder/', 'folder/a', 'empty', 'link', 'hard', 'null', 'a/long/name'])
    expect(seen.map(({ content }) => content)).toEqual(['', `${'x'.repeat(1500)}.`, '.', '', '', '', 'y.'])
    expect(seen[0]!.entry).toMatchObject({
      kind: 'directory',
      mode: 0o1777,
      uid: 1,
      gid: 2,
      mtimeNs: 1700000000_000000000n,
    })
    expect(seen[1]!.entry.mtimeNs).toBe(1_000000001n)
    expect(seen[1]!.entry.attributes).toEqual([{ name: 'user.a', value: Buffer.from([0xff, 0]) }])
    expect(seen[3]!.entry).toMatchObject({ kind: 'symlink', target: 'folder/a' })
    expect(seen[5]!.entry).toMatchObject({ kind: 'character-device', major: 1, minor: 3 })
    expect(seen[6]!.entry).toMatchObject({ kind: 'file', uid: 70000, target: '' })
  })

  it('keeps names that are no UTF-8 byte for byte', () => {
    const seen = read(tarOf({ name: 'caf\xe9' }, { name: 'x', pax: { path: '\xff\xfe' } }))
    expect(paths(seen)).toEqual(['caf\xe9', '\xff\xfe'])
  })

  it.each([1, 7, 512, 1e6])('reads sparse files of all formats out of chunks of %i bytes', (chunkSize) => {
    const told = { name: 'a', realsize: '20' }
    const expected = ['<5>abc<2>defg<6>.', '.']
    const map01 = { name: 'a', size: '20', map: '5,3,10,4,20,0' }
    const map10 = '3\n5\n3\n10\n4\n20\n0\n'.padEnd(512, '\0')
    for (const archive of [
      sparse('abcdefg', map01),
      sparse(`${map10}abcdefg`, { ...told, major: '1', minor: '0' }),
    ]) {
      const seen = read(archive, chunkSize)
      expect(paths(seen)).toEqual(['a', 'next'])
      expect(seen[0]!.entry).toMatchObject({ kind: 'file', size: 20 })
      expect(seen.map(({ content }) => content)).toEqual(expected)
    }
    const whole = sparse('', { size: '5000', map: '' })
    expect(read(whole, chunkSize)[0]!.content).toBe('<5000>.')
  })

  it('ends at the end marker, whatever follows', () => {
    const hidden = Buffer.concat([tarOf({ name: 'seen' }), tarOf({ name: 'hidden', content: 'x' })])
    expect(paths(read(hidden))).toEqual(['seen'])
    expect(paths(read(hidden, 512))).toEqual(['seen'])
  })

  it('reads an archive of thousands of entries without content', () => {
    const folders = Array.from({ length: 5000 }, (_, index) => ({ name: `d${index}/`, type: '5' }))
    expect(read(tarOf(...folders))).toHaveLength(5000)
  })

  it('reads an empty archive', () => {
    expect(read(Buffer.alloc(0))).toEqual([])
    expect(read(tarOf())).toEqual([])
  })

  it.each<[string, Buffer]>([
    ['is cut within content', entryBlocks({ name: 'a', content: 'x'.repeat(1000) }).subarray(0, 1000)],
    ['is cut within a header', tarOf({ name: 'a' }).subarray(0, 300)],
    ['is no tar at all', Buffer.alloc(2048, 'no tar ')],
    ['is cut behind a PAX header', tarOf({ name: 'x', type: 'x', content: '7 a=bc\n' }).subarray(0, 1024)],
    ['has a sparse file whose map lacks pieces', tarOf({ name: 'a', type: 'S', content: 'x' })],
    ['has a sparse file without a size', sparse('x', { major: '1', minor: '0' })],
    ['has a sparse file of an unknown format', sparse('x', { major: '2', minor: '0', realsize: '9' })],
    ['has pieces behind the end', sparse('abc', { size: '9', map: '7,3' })],
    ['has pieces out of order', sparse('abcdef', { size: '99', map: '50,3,7,3' })],
    ['has pieces that overlap', sparse('abcdef', { size: '99', map: '5,3,7,3' })],
    ['has fewer bytes than its pieces', sparse('abc', { size: '99', map: '5,3,9,3' })],
    ['has more bytes than its pieces', sparse('abcdef', { size: '99', map: '5,3' })],
    ['has half a piece', sparse('abc', { size: '99', map: '5,3,9' })],
    ['has a piece at no number', sparse('abc', { size: '99', map: '0x5,3' })],
    [
      'has a piece at a number too large',
      sparse('abc', { size: '9007199254740991', map: '9007199254740991,3' }),
    ],
    ['has a negative piece', sparse('abc', { size: '99', map: '5,-3' })],
    ['has a sparse link', tarOf({ name: 'a', type: '2', target: 'b', pax: { 'GNU.sparse.size': '9' } })],
    ['has pieces without offsets', sparse('abc', { size: '9', numbytes: '3' })],
    [
      'has a map that is no text',
      sparse(Buffer.alloc(1024, 7).toString(), { major: '1', minor: '0', realsize: '9' }),
    ],
    ['has a map that is cut', sparse('900\n'.padEnd(512, '1\n'), { major: '1', minor: '0', realsize: '9' })],
    [
      'has a map without end',
      sparse('9999999\n'.padEnd(5 * 2 ** 20, '1\n'), { major: '1', minor: '0', realsize: '9' }),
    ],
    [
      'has a map that lies',
      sparse('1\n2\n5\n'.padEnd(512, '\0') + 'abc', { major: '1', minor: '0', realsize: '9' }),
    ],
    ['has an unknown kind of file', tarOf({ name: 'a', type: 'Z' })],
    ['has an owner out of range', tarOf({ name: 'a', pax: { uid: '4294967295' } })],
    ['has an owner that is no number', tarOf({ name: 'a', pax: { gid: 'root' } })],
    ['has a device number out of range', tarOf({ name: 'a', type: '3', major: 0o7777777, minor: 1 })],
    ['has a malformed PAX header', tarOf({ name: 'x', type: 'x', content: '999 a=b\n' }, { name: 'a' })],
    ['has a wrong checksum', damaged],
    ['has a negative size', tarOf({ name: 'a', content: 'abc', pax: { size: '-512' } })],
  ])('refuses what %s', (_, archive) => {
    expect(() => read(archive)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_ARCHIVE' }))
    expect(() => read(archive, 512)).toThrow(expect.objectContaining({ code: 'ERR_OVERLAY_ARCHIVE' }))
  })

  it('refuses headers without end before any entry', () => {
    const comment = entryBlocks({
      name: 'x',
      type: 'x',
      content: `3000000 comment=${'c'.repeat(2_999_983)}\n`,
    })
    const archive = Buffer.concat(Array.from({ length: 8 }, () => comment))
    expect(() => read(archive, 65536)).toThrow('bytes of headers before one entry')
  })

  it('aborts the file that is being written when it gives up', () => {
    const ended: string[] = []
    const reader = new ArchiveReader(() => ({
      write: () => undefined,
      skip: () => undefined,
      end: () => ended.push('end'),
      abort: () => ended.push('abort'),
    }))
    reader.write(entryBlocks({ name: 'a', content: 'x'.repeat(5000) }).subarray(0, 2000))
    reader.destroy()
    reader.destroy()
    expect(ended).toEqual(['abort'])
  })

  it('passes on what the handler throws', () => {
    const reader = new ArchiveReader(() => {
      throw new RangeError('no')
    })
    expect(() => reader.write(tarOf({ name: 'a' }))).toThrow(RangeError)
  })
})

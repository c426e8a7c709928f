import { describe, expect, it } from '@jest/globals'
import { entryBlocks, tarOf, type RawEntry } from '../../test/tar-builder.js'
import type { ArchiveEntry } from './archive-entry.js'
import { ArchiveReader } from './archive-reader.js'

interface Seen {
  readonly entry: ArchiveEntry
  content: string
}

async function read(archive: Buffer, chunkSize = archive.length): Promise<Seen[]> {
  const seen: Seen[] = []
  const reader = new ArchiveReader((entry) => {
    const one: Seen = { entry, content: '' }
    seen.push(one)
    if (entry.kind !== 'file') return undefined
    return {
      write: (bytes) => (one.content += Buffer.from(bytes).toString('latin1')),
      end: () => (one.content += '.'),
      abort: () => (one.content += '!'),
    }
  })
  for (let at = 0; at < archive.length; at += chunkSize)
    await reader.write(archive.subarray(at, at + chunkSize))
  await reader.end()
  return seen
}

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

  it.each([1, 100, 511, 512, 513, 4096, 1e6])(
    'reads entries out of chunks of %i bytes',
    async (chunkSize) => {
      const seen = await read(tarOf(...mixed), chunkSize)
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
    },
  )

  it('keeps names that are no UTF-8 byte for byte', async () => {
    const seen = await read(tarOf({ name: 'caf\xe9' }, { name: 'x', pax: { path: '\xff\xfe' } }))
    expect(paths(seen)).toEqual(['caf\xe9', '\xff\xfe'])
  })

  it('ends at the end marker, whatever follows', async () => {
    const hidden = Buffer.concat([tarOf({ name: 'seen' }), tarOf({ name: 'hidden', content: 'x' })])
    expect(paths(await read(hidden))).toEqual(['seen'])
    expect(paths(await read(hidden, 512))).toEqual(['seen'])
  })

  it('reads an archive of thousands of entries without content', async () => {
    const folders = Array.from({ length: 5000 }, (_, index) => ({ name: `d${index}/`, type: '5' }))
    expect(await read(tarOf(...folders))).toHaveLength(5000)
  })

  it('reads an empty archive', async () => {
    expect(await read(Buffer.alloc(0))).toEqual([])
    expect(await read(tarOf())).toEqual([])
  })

  it.each<[string, Buffer]>([
    ['is cut within content', entryBlocks({ name: 'a', content: 'x'.repeat(1000) }).subarray(0, 1000)],
    ['is cut within a header', tarOf({ name: 'a' }).subarray(0, 300)],
    ['is no tar at all', Buffer.alloc(2048, 'no tar ')],
    ['has a sparse file of GNU tar', tarOf({ name: 'a', type: 'S', content: 'x' })],
    ['has a sparse file of PAX', tarOf({ name: 'a', content: 'x', pax: { 'GNU.sparse.major': '1' } })],
    ['has an unknown kind of file', tarOf({ name: 'a', type: 'Z' })],
    ['has an owner out of range', tarOf({ name: 'a', pax: { uid: '4294967295' } })],
    ['has an owner that is no number', tarOf({ name: 'a', pax: { gid: 'root' } })],
    ['has a device number out of range', tarOf({ name: 'a', type: '3', major: 0o7777777, minor: 1 })],
    ['has a malformed PAX header', tarOf({ name: 'x', type: 'x', content: '999 a=b\n' }, { name: 'a' })],
    ['has a negative size', tarOf({ name: 'a', content: 'abc', pax: { size: '-512' } })],
  ])('refuses what %s', async (_, archive) => {
    await expect(read(archive)).rejects.toMatchObject({ code: 'ERR_OVERLAY_ARCHIVE' })
    await expect(read(archive, 512)).rejects.toMatchObject({ code: 'ERR_OVERLAY_ARCHIVE' })
  })

  it('refuses headers without end before any entry', async () => {
    const comment = entryBlocks({
      name: 'x',
      type: 'x',
      content: `3000000 comment=${'c'.repeat(2_999_983)}\n`,
    })
    const archive = Buffer.concat(Array.from({ length: 8 }, () => comment))
    await expect(read(archive, 65536)).rejects.toThrow('bytes of headers or padding before one entry')
  })

  it('aborts the file that is being written when it gives up', async () => {
    const ended: string[] = []
    const reader = new ArchiveReader(() => ({
      write: () => undefined,
      end: () => ended.push('end'),
      abort: () => ended.push('abort'),
    }))
    await reader.write(entryBlocks({ name: 'a', content: 'x'.repeat(5000) }).subarray(0, 2000))
    reader.destroy()
    reader.destroy()
    expect(ended).toEqual(['abort'])
  })

  it('passes on what the handler throws', async () => {
    const reader = new ArchiveReader(() => {
      throw new RangeError('no')
    })
    await reader.write(tarOf({ name: 'a' }))
    await expect(reader.end()).rejects.toThrow(RangeError)
  })
})

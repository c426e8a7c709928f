import { describe, it } from '@jest/globals'
import { numbersFrom } from '@ctr/testing'
import { checkArchive } from '../../test/archive-properties.js'
import { entryBlocks, tarOf } from '../../test/tar-builder.js'

/** A sparse file with these records of GNU's. */
function sparse(content: string, records: Readonly<Record<string, string>>): Buffer {
  const pax = Object.fromEntries(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]))
  return tarOf({ name: 'GNUSparseFile.1/a', content, pax }, { name: 'next' })
}

const seeds: readonly Buffer[] = [
  tarOf(
    { name: 'folder/', type: '5', mode: 0o1777, uid: 1, gid: 2, mtime: 1_700_000_000 },
    { name: 'folder/a', content: 'x'.repeat(700), pax: { mtime: '1.5', 'SCHILY.xattr.user.a': '\xff\x00' } },
    { name: 'link', type: '2', target: 'folder/a' },
    { name: 'hard', type: '1', target: 'link' },
    { name: 'null', type: '3', major: 1, minor: 3 },
    { name: 'fifo', type: '6' },
    { name: '.wh.gone' },
    { name: 'folder/.wh..wh..opq' },
  ),
  tarOf({
    name: 'short',
    content: 'y',
    pax: {
      path: 'a/long/name',
      uid: '70000',
      size: '1',
      'SCHILY.acl.access': 'user::rwx,group::r-x,other::r--',
    },
  }),
  Buffer.concat([
    entryBlocks({ name: '././@LongLink', type: 'L', content: `${'long/name/'.repeat(20)}\0` }),
    entryBlocks({ name: '././@LongLink', type: 'K', content: `${'t'.repeat(150)}\0` }),
    tarOf({ name: 'x', type: '2', target: 't' }),
  ]),
  sparse('abcdef', { major: '0', minor: '1', size: '100', map: '0,3,50,3', name: 'real' }),
  sparse(`${'2\n0\n3\n50\n3\n'.padEnd(512, '\0')}abcdef`, {
    major: '1',
    minor: '0',
    realsize: '100',
    name: 'real',
  }),
]

/** Changes bytes, mixes in pieces of another archive, takes whole blocks out and puts them elsewhere. */
function mutate(input: Buffer, other: Buffer, next: (bound: number) => number): Buffer {
  let bytes = Buffer.from(input)
  for (let n = next(6); n >= 0; n -= 1) {
    const at = next(bytes.length)
    const block = at - (at % 512)
    const from = other.subarray(next(other.length))
    switch (next(5)) {
      case 0:
        bytes[at] = next(256)
        break
      case 1:
        from.copy(bytes, at, 0, 1 + next(12))
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, block), bytes.subarray(block + 512)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, block), other.subarray(0, 512), bytes.subarray(block)])
        break
      default:
        bytes = bytes.subarray(0, at)
    }
    if (bytes.length === 0) return bytes
  }
  return bytes
}

describe('ArchiveReader', () => {
  it('holds to its word for anything like an archive', () => {
    const next = numbersFrom(20_260_101)
    for (const seed of seeds) checkArchive(Buffer.concat([Buffer.from([73]), seed]))
    for (let n = 0; n < 1000; n += 1) {
      const [input, other] = [seeds[next(seeds.length)]!, seeds[next(seeds.length)]!]
      checkArchive(Buffer.concat([Buffer.from([next(256)]), mutate(input, other, next)]))
    }
  }, 120_000)
})

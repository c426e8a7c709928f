import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { extract } from 'tar-stream'
import { folderEntries } from './folder-entries.js'
import type { LayerSource } from './layer-source.js'
import { packLayer } from './pack-layer.js'

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function packed(sources: Iterable<LayerSource>): Promise<Buffer> {
  return buffer(packLayer(sources, { compression: 'none' }).stream)
}

async function listed(tar: Buffer): Promise<string[]> {
  const lines: string[] = []
  const reader = extract()
  reader.end(tar)
  for await (const entry of reader) {
    const { name, type, mode, uid, size, linkname, mtime } = entry.header
    lines.push([type, name, mode.toString(8), uid, size, linkname, mtime.getTime()].join(' '))
    entry.resume()
  }
  return lines
}

describe('packLayer()', () => {
  const sources: readonly LayerSource[] = [
    { type: 'directory', path: '/etc/' },
    { type: 'file', path: './etc/motd', content: 'hello\n', mode: 0o600, uid: 5 },
    { type: 'file', path: 'empty', content: '' },
    { type: 'symlink', path: 'bin', target: 'usr/bin' },
  ]

  it('writes what it was told, as of 1970', async () => {
    expect(await listed(await packed(sources))).toEqual([
      'directory etc/ 755 0 0  0',
      'file etc/motd 600 5 6  0',
      'file empty 644 0 0  0',
      'symlink bin 777 0 0 usr/bin 0',
    ])
  })

  it('tells the digests of the tar and of the stream', async () => {
    const { stream, digests } = packLayer(sources)
    const bytes = await buffer(stream)
    expect(await digests).toEqual({
      diffId: sha256(gunzipSync(bytes)),
      digest: sha256(bytes),
      size: bytes.length,
    })
  })

  it('gives the same bytes for the same sources', async () => {
    expect(sha256(await packed(sources))).toBe(sha256(await packed([...sources])))
  })

  it('packs long and foreign names and large owners', async () => {
    const name = `${'é'.repeat(60)}/${'x'.repeat(200)}`
    const tar = await packed([{ type: 'file', path: name, content: 'x', uid: 3_000_000 }])
    const reader = extract()
    reader.end(tar)
    for await (const entry of reader) {
      expect(entry.header.name).toBe(name)
      expect(entry.header.pax).toMatchObject({ uid: '3000000' })
      entry.resume()
    }
  })

  it('packs a folder of the host, sorted, with links and permissions', async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'b'))
    chmodSync(join(folder.path, 'b'), 0o755)
    writeFileSync(join(folder.path, 'b/file'), 'x'.repeat(100_000))
    chmodSync(join(folder.path, 'b/file'), 0o750)
    symlinkSync('b/file', join(folder.path, 'a'))
    const tar = await buffer(packLayer(folderEntries(folder.path, '/srv'), { compression: 'none' }).stream)
    const own = String(process.getuid?.())
    expect(await listed(tar)).toEqual([
      `symlink srv/a 777 ${own} 0 b/file 0`,
      `directory srv/b/ 755 ${own} 0  0`,
      `file srv/b/file 750 ${own} 100000  0`,
    ])
  })

  it.each<[string, LayerSource, string]>([
    ['a way out', { type: 'file', path: '../x', content: '' }, 'ERR_OVERLAY_INVALID_ARG'],
    ['no name', { type: 'directory', path: '/' }, 'ERR_OVERLAY_INVALID_ARG'],
    [
      'an impossible mode',
      { type: 'file', path: 'x', content: '', mode: 0o10000 },
      'ERR_OVERLAY_INVALID_ARG',
    ],
    ['an impossible owner', { type: 'file', path: 'x', content: '', uid: -1 }, 'ERR_OVERLAY_INVALID_ARG'],
    ['an empty link', { type: 'symlink', path: 'x', target: '' }, 'ERR_OVERLAY_INVALID_ARG'],
    ['a folder as a file', { type: 'file', path: 'x', source: '/' }, 'ERR_OVERLAY_INVALID_ARG'],
    ['a missing file', { type: 'file', path: 'x', source: '/nonexistent' }, 'ERR_OVERLAY_NOT_FOUND'],
  ])('refuses %s', async (_, source, code) => {
    const { stream, digests } = packLayer([source])
    await expect(buffer(stream)).rejects.toMatchObject({ code })
    await expect(digests).rejects.toMatchObject({ code })
  })

  it('ends when aborted', async () => {
    const { stream, digests } = packLayer(sources, { signal: AbortSignal.abort() })
    await expect(buffer(stream)).rejects.toMatchObject({ name: 'AbortError' })
    await expect(digests).rejects.toMatchObject({ name: 'AbortError' })
  })
})

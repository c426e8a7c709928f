import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { tarOf } from '../../test/support/tar.js'
import { ImageStore } from '../store/image-store.js'
import type { StoredImage } from '../store/stored-image.js'

/** A store with an image, its layout in a folder, and a store that has nothing yet. */
async function setting(folder: string): Promise<{
  readonly from: ImageStore
  readonly image: StoredImage
  readonly layout: string
  readonly to: ImageStore
}> {
  const from = await ImageStore.open(join(folder, 'from'))
  const tar = tarOf('a', Buffer.from('a'))
  const image = await from.add({ layers: [{ tar, compression: 'none' }] }, { reference: 'h.io/a:1' })
  const layout = join(folder, 'layout')
  await from.saveLayout('h.io/a:1', layout)
  return { from, image, layout, to: await ImageStore.open(join(folder, 'to')) }
}

async function blobsOf(store: ImageStore): Promise<string[]> {
  const found: string[] = []
  for await (const { digest } of store.blobs.list()) found.push(digest)
  return found.sort()
}

describe('ImageStore.saveLayout() and loadLayout()', () => {
  it('give back images with their names, byte for byte', async () => {
    using folder = temporaryFolder()
    const { from, image, layout, to } = await setting(folder.path)
    expect(statSync(layout).mode & 0o777).toBe(0o700)
    expect(readdirSync(layout).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
    const [loaded] = await to.loadLayout(layout)
    expect(loaded).toMatchObject({ descriptor: image.descriptor, references: ['h.io/a:1'] })
    expect(await blobsOf(to)).toEqual(await blobsOf(from))
    const store = await ImageStore.open(join(folder.path, 'again'))
    expect(await store.loadLayout(from.blobs.folder)).toHaveLength(1) // a store is a layout itself
  })

  it('write over nothing, and leave nothing half made', async () => {
    using folder = temporaryFolder()
    const { from, image, layout } = await setting(folder.path)
    const taken = { code: 'ERR_REGISTRY_INVALID_ARG' }
    await expect(from.saveLayout('h.io/a:1', layout)).rejects.toMatchObject(taken)
    await expect(from.saveLayout('h.io/a:1', join(layout, 'index.json'))).rejects.toMatchObject(taken)
    await expect(from.saveLayout('h.io/a:1', '/no/such/folder')).rejects.toMatchObject({
      code: 'ERR_REGISTRY_IO',
    })
    const empty = join(folder.path, 'empty')
    mkdirSync(empty)
    await from.saveLayout(image.id, empty)
    const broken = join(folder.path, 'broken')
    const signal = AbortSignal.abort()
    await expect(from.saveLayout('h.io/a:1', broken, { signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    rmSync(image.layers[0]!.path)
    await expect(from.saveLayout('h.io/a:1', broken)).rejects.toThrow()
    expect(readdirSync(folder.path).sort()).toEqual(['empty', 'from', 'layout', 'to'])
  })

  it.each<readonly [string, (layout: string, layer: string) => void, RegExp]>([
    ['no layout', (layout) => rmSync(join(layout, 'oci-layout')), /neither an OCI layout nor/],
    ['nothing', (layout) => rmSync(layout, { recursive: true }), /neither an OCI layout nor/],
    ['a missing layer', (_, layer) => rmSync(layer), /the archive lacks it/],
    ['a longer layer', (_, layer) => appendFileSync(layer, 'x'), /cannot/],
    ['a damaged layer', (_, layer) => writeFileSync(layer, 'x'.repeat(statSync(layer).size)), /digest/],
    [
      'a layer elsewhere',
      (layout, layer) => {
        renameSync(layer, join(layout, '..', 'elsewhere'))
        symlinkSync(join(layout, '..', 'elsewhere'), layer)
      },
      /ELOOP/,
    ],
    [
      'a pipe',
      (_, layer) => {
        rmSync(layer)
        execFileSync('mkfifo', [layer])
      },
      /is no file/,
    ],
    [
      'an index elsewhere',
      (layout) => {
        rmSync(join(layout, 'index.json'))
        symlinkSync('/etc/passwd', join(layout, 'index.json'))
      },
      /ELOOP/,
    ],
    [
      'an index that is none',
      (layout) => writeFileSync(join(layout, 'index.json'), '[]'),
      /must be an object/,
    ],
    [
      'a digest that is a path',
      (layout) => {
        const path = join(layout, 'index.json')
        const text = readFileSync(path, 'utf8')
        writeFileSync(path, text.replace(/sha256:[0-9a-f]{64}/, 'sha256:../../../../etc/passwd'))
      },
      /digest/,
    ],
  ])('load nothing of a folder with %s', async (_, change, message) => {
    using folder = temporaryFolder()
    const { image, layout, to } = await setting(folder.path)
    const [, hex = ''] = image.layers[0]!.descriptor.digest.split(':')
    change(layout, join(layout, 'blobs/sha256', hex))
    await expect(to.loadLayout(layout)).rejects.toThrow(message)
    expect(await blobsOf(to)).toEqual([])
    expect(await to.list()).toEqual([])
  })

  it('stop at their limits', async () => {
    using folder = temporaryFolder()
    const { layout, to } = await setting(folder.path)
    const code = 'ERR_REGISTRY_ARCHIVE'
    await expect(to.loadLayout(layout, { maxEntries: 4 })).rejects.toMatchObject({ code })
    await expect(to.loadLayout(layout, { maxBytes: 1000 })).rejects.toMatchObject({ code })
    await expect(to.loadLayout(layout, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(await blobsOf(to)).toEqual([])
    expect(await to.loadLayout(layout, { maxEntries: 5 })).toHaveLength(1)
  })
})

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { LayerStore } from '../src/index.js'
import { entryBlocks, tarOf, type RawEntry } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

/**
 * Swaps whatever is unpacked for links to `outside` and back, as fast as it can, until its input ends; writes a
 * byte for each time.
 */
const racer = `
const { readdirSync, renameSync, symlinkSync, unlinkSync } = require('node:fs')
const [temporary, outside] = process.argv.slice(1)
let over = false
process.stdin.resume().on('end', () => { over = true })
const quietly = (act) => { try { act(); return true } catch { return false } }
const swap = () => {
  for (let round = 0; round < 50; round += 1) for (const folder of readdirSync(temporary)) {
    const diff = temporary + '/' + folder + '/layer/diff'
    for (const [name, target] of [['d', outside], ['d/e', outside], ['d/n', outside + '/victim']]) {
      const at = diff + '/' + name
      if (!quietly(() => renameSync(at, diff + '/aside'))) continue
      if (quietly(() => symlinkSync(target, at))) process.stdout.write('.')
      quietly(() => unlinkSync(at))
      quietly(() => renameSync(diff + '/aside', at))
    }
  }
  if (!over) setImmediate(swap)
}
swap()
`

describeOn(['root', 'overlay'], 'LayerStore beside somebody who changes what it unpacks', () => {
  it('writes nothing outside, however links are swapped meanwhile', async () => {
    using folder = temporaryFolder()
    const outside = join(folder.path, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'victim'), 'untouched', { mode: 0o600 })
    const before = treeOf(outside)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const child = spawn(process.execPath, ['-e', racer, join(store.folder, 'temporary'), outside], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let swaps = 0
    child.stdout.on('data', (dots: Buffer) => (swaps += dots.length))
    const ended = once(child, 'close')
    const results = new Set<string>()
    for (let round = 0; round < 8 || swaps < 100; round += 1) {
      const entries = (async function* () {
        for (let index = 0; index < 600; index += 1) {
          yield Buffer.concat(raced(index).map(entryBlocks))
          if (index % 10 === 0) await nextTurn()
        }
        yield tarOf({ name: `last-${round}` })
      })()
      const { result } = await store.add(entries).then(
        () => ({ result: 'unpacked' }),
        (error: unknown) => ({ result: String((error as { code?: unknown }).code) }),
      )
      results.add(result)
    }
    child.stdin.end()
    await ended
    expect(treeOf(outside)).toEqual(before)
    for (const result of results) expect(result).toMatch(/^(unpacked|ERR_OVERLAY_[A-Z_]+)$/)
    expect(readdirSync(join(store.folder, 'temporary'))).toEqual([])
  })
})

function raced(index: number): RawEntry[] {
  return [
    { name: `d/e/f${index}`, content: 'x', mode: 0o777, uid: 1 },
    { name: 'd/n', type: '6', mode: 0o777, uid: 1, mtime: 7 },
    { name: 'd/n', type: '3', major: 1, minor: 3, mode: 0o777, uid: 2 },
    { name: 'd/e/', type: '5', mode: 0o777, uid: 1, pax: { 'SCHILY.xattr.user.a': 'b' } },
    { name: `d/h${index}`, type: '1', target: `d/e/f${index}` },
    { name: 'd/e/.wh.victim' },
  ]
}

describeOn(['root', 'overlay'], 'LayerStore and names and modes that others choose', () => {
  const outOfPlace = ['', '.', '..', '../outside', '/etc', 'a/../../b', 'a/b', '-rf', 'a\0b', 'x'.repeat(129)]

  it('refuses bad digests and ids before any path is made of them', async () => {
    using folder = temporaryFolder()
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const before = treeOf(folder.path)
    const invalid = expect.objectContaining({ code: 'ERR_OVERLAY_INVALID_ARG' }) as unknown
    const hex = 'a'.repeat(64)
    const digests = [
      ...outOfPlace,
      hex,
      `sha512:${hex}${hex}`,
      `sha256:${hex.toUpperCase()}`,
      `sha256:../${hex.slice(3)}`,
      `sha256:${hex}\n`,
      `sha256:${hex}/..`,
    ]
    for (const digest of digests) {
      expect(() => store.get(digest)).toThrow(invalid)
      expect(() => store.view([digest])).toThrow(invalid)
      await expect(store.remove(digest)).rejects.toEqual(invalid)
      await expect(store.add(Readable.from([tarOf()]), { diffId: digest })).rejects.toEqual(invalid)
      await expect(store.createRoot('x', { layers: [digest] })).rejects.toEqual(invalid)
    }
    for (const id of outOfPlace) {
      await expect(store.createRoot(id, { lower: ['/'] })).rejects.toEqual(invalid)
      await expect(store.openRoot(id)).rejects.toEqual(invalid)
      await expect(store.removeRoot(id)).rejects.toEqual(invalid)
    }
    expect(treeOf(folder.path)).toEqual(before)
  })

  it('lets nobody but root into its layers, also after somebody has opened them', async () => {
    using folder = temporaryFolder()
    chmodSync(folder.path, 0o755)
    const at = join(folder.path, 'store')
    const store = await LayerStore.open(at, { durable: false })
    const layer = await store.add(Readable.from([tarOf({ name: 'su', mode: 0o4755, content: 'x' })]))
    const inside = ['layers', 'layers/sha256', 'roots', 'temporary', 'empty']
    for (const name of inside) chmodSync(join(at, name), 0o777)
    await LayerStore.open(at, { durable: false })
    for (const name of inside) expect(lstatSync(join(at, name)).mode & 0o7777).toBe(0o700)
    // the store's own folder is of whoever made it: others may pass it, and get no further
    for (const mode of [0o700, 0o711, 0o755]) {
      chmodSync(at, mode)
      const run = promisify(execFile)('cat', [join(layer.path, 'su')], { uid: 65534, gid: 65534 })
      await expect(run).rejects.toMatchObject({
        stderr: expect.stringContaining('Permission denied') as unknown,
      })
    }
  })
})

describeOn(['root', 'overlay'], 'Layers that disagree on what a name is', () => {
  const kinds: readonly (readonly [string, readonly RawEntry[]])[] = [
    ['file', [{ name: 'x', content: 'file' }]],
    ['folder', [{ name: 'x/', type: '5' }, { name: 'x/inside' }]],
    ['link', [{ name: 'x', type: '2', target: '/other' }]],
    ['fifo', [{ name: 'x', type: '6' }]],
    ['device', [{ name: 'x', type: '3', major: 1, minor: 3 }]],
  ]
  const pairs = kinds.flatMap(([a, lower]) => kinds.map(([b, upper]) => [a, b, lower, upper] as const))

  it.each(pairs)('shows a %s below a %s as the upper one', async (a, b, lower, upper) => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'mounted')
    mkdirSync(at)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const base = [
      { name: 'other/', type: '5' },
      { name: 'other/victim', content: 'kept' },
    ]
    const layers: string[] = []
    for (const entries of [
      [...base, ...lower],
      [...upper, { name: 'top' }],
    ]) {
      layers.push((await store.add(Readable.from([tarOf(...entries)]))).diffId)
    }
    await using root = await store.createRoot('one', { layers })
    await using _mounted = root.attach(at)
    const stat = lstatSync(join(at, 'x'))
    const shown = [
      stat.isFile(),
      stat.isDirectory(),
      stat.isSymbolicLink(),
      stat.isFIFO(),
      stat.isCharacterDevice(),
    ]
    expect(shown).toEqual(kinds.map(([kind]) => kind === b))
    expect(readdirSync(join(at, 'other'))).toEqual(['victim'])
    expect(readFileSync(join(at, 'other/victim'), 'utf8')).toBe('kept')
    if (b === 'folder') expect(readdirSync(join(at, 'x'))).toEqual(['inside'])
    expect(a).not.toBe('')
  })

  it('keeps a folder over a link of a lower layer apart from what that points to', async () => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'mounted')
    mkdirSync(at)
    const store = await LayerStore.open(join(folder.path, 'store'), { durable: false })
    const base = tarOf({ name: 'usr/lib/a' }, { name: 'lib', type: '2', target: 'usr/lib' })
    const top = tarOf({ name: 'lib/b' })
    const layers = [await store.add(Readable.from([base])), await store.add(Readable.from([top]))]
    await using root = await store.createRoot('one', { layers: layers.map(({ diffId }) => diffId) })
    await using _mounted = root.attach(at)
    expect([readdirSync(join(at, 'lib')), readdirSync(join(at, 'usr/lib'))]).toEqual([['b'], ['a']])
  })
})

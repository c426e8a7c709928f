import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { mount, MS_REMOUNT, umount2 } from '@ctr/linux'
import {
  bundle,
  describeOn,
  leakCheck,
  numbersFrom,
  seed,
  temporaryFolder,
  type BundledProgram,
} from '@ctr/testing'
import { LayerStore, VolumeStore } from '../src/index.js'
import { tarOf } from './tar-builder.js'
import { treeOf } from './tree.js'

leakCheck()

/** Does one thing again and again until it is killed. */
const worker = `
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { LayerStore } from '@ctr/overlay'
const [folder, what, tar] = process.argv.slice(2)
const store = await LayerStore.open(folder, { durable: false })
const bytes = readFileSync(tar)
const acts = {
  add: async () => {
    const layer = await store.add(Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]))
    await store.remove(layer.diffId)
  },
  commit: async () => {
    const layer = await store.commit('changed')
    await store.remove(layer.diffId)
  },
  cleanup: async () => {
    for (const id of ['one', 'two']) await store.createRoot(id, { lower: ['/'] }).catch(() => undefined)
    await store.cleanup({ keep: ['changed'] })
  },
}
for (let round = 0; ; round += 1) {
  if (round === 1) process.stdout.write('ready')
  await acts[what]()
}
`

/** Times that a disk is filled in one run of the tests. */
const fills = Number(process.env['CTR_KILLS'] ?? 20)
/** Kills in one run of the tests; a longer one can be asked for. */
const kills = Number(process.env['CTR_KILLS'] ?? 12)

jest.setTimeout(300_000 + kills * 10_000)

const tar = tarOf(
  ...Array.from({ length: 400 }, (_, index) => ({
    name: `d${index % 20}/f${index}`,
    content: `${index}`.repeat(200),
    uid: index,
  })),
)

/** A store with a layer, and a root on it in which files were changed. */
async function prepare(folder: string): Promise<LayerStore> {
  const store = await LayerStore.open(folder, { durable: false })
  const base = await store.add(Readable.from([tarOf({ name: 'base', content: 'base' })]))
  const root = await store.createRoot('changed', { layers: [base.diffId] })
  for (let index = 0; index < 300; index += 1) {
    writeFileSync(join(root.description.upper!, `file-${index}`), String(index).repeat(500))
  }
  return store
}

describeOn(['root', 'overlay'], 'LayerStore whose process is killed', () => {
  let program: BundledProgram
  beforeAll(() => {
    program = bundle(worker)
  })
  afterAll(() => program[Symbol.dispose]())

  it.each(['add', 'commit', 'cleanup'])(`shows nothing partial at ${kills} instants of %s`, async (what) => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'store')
    const file = join(folder.path, 'layer.tar')
    writeFileSync(file, tar)
    const store = await prepare(at)
    const reference = await LayerStore.open(join(folder.path, 'reference'), { durable: false })
    const changed = await store.openRoot('changed')
    const diff = await buffer(changed.diff())
    const expected = new Map<string, string[]>()
    for (const bytes of [tar, diff, tarOf({ name: 'base', content: 'base' })]) {
      const layer = await reference.add(Readable.from([bytes]))
      expected.set(layer.diffId, treeOf(layer.path))
    }
    for (let instant = 0; instant < kills; instant += 1) {
      const child = spawn(process.execPath, [program.path, at, what, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'exit')
      await Promise.race([once(child.stdout, 'data'), ended])
      await sleep(Math.random() * 80)
      expect(child.exitCode).toBeNull()
      child.kill('SIGKILL')
      await ended
      const again = await LayerStore.open(at, { durable: false })
      for (const layer of await again.list()) expect(treeOf(layer.path)).toEqual(expected.get(layer.diffId))
      await again.cleanup({ keep: ['changed'] })
      expect(readdirSync(join(at, 'temporary'))).toEqual([])
      expect(await again.roots()).toEqual(['changed'])
      const others = (await again.list()).filter(({ entries }) => entries > 1)
      for (const { diffId } of others) await again.remove(diffId)
      // what is left is what was there before: nothing else takes space
      expect((await again.list()).map(({ entries }) => entries)).toEqual([1])
      expect(readdirSync(join(at, 'layers/sha256'))).toHaveLength(1)
      expect((await buffer((await again.openRoot('changed')).diff())).equals(diff)).toBe(true)
    }
    rmSync(at, { recursive: true })
  })
})

describeOn(['root', 'overlay'], `A disk that is full (CTR_SEED=${seed})`, () => {
  it('is told clearly wherever it happens, and nothing is lost', async () => {
    using folder = temporaryFolder()
    const at = join(folder.path, 'small')
    mkdirSync(at)
    mount('tmpfs', at, 'tmpfs', 0, 'size=16m')
    try {
      const store = await prepare(join(at, 'store'))
      const volumes = await VolumeStore.open(join(at, 'volumes'))
      const data = await volumes.create('data')
      writeFileSync(join(data.path, 'file'), 'x'.repeat(200_000))
      const before = treeOf(at)
      const names = (tree: readonly string[]): string[] => tree.map((line) => line.replace(/ \d{19}/, ''))
      const next = numbersFrom(seed)
      let refused = 0
      for (let round = 0; round < fills; round += 1) {
        const acts = [
          () => store.add(Readable.from([tar])),
          () => store.commit('changed'),
          () => volumes.restore('more', data.backup()),
          () => store.createRoot('more', { lower: ['/'] }),
        ]
        fill(join(at, 'filler'), at, 1 + next(round < 8 ? 3 : 200))
        const outcome = await acts[round % acts.length]!().then(
          () => 'done',
          (error: unknown) => error,
        )
        rmSync(join(at, 'filler'))
        if (outcome !== 'done') {
          refused += 1
          expect(outcome).toMatchObject({
            name: 'OverlayError',
            code: 'ERR_OVERLAY_IO',
            message: expect.stringContaining('ENOSPC') as unknown,
          })
        }
        for (const { diffId, entries } of await store.list()) if (entries > 1) await store.remove(diffId)
        await store.removeRoot('more')
        await volumes.remove('more')
        expect(names(treeOf(at))).toEqual(names(before))
      }
      expect(refused).toBeGreaterThan(fills / 5)
      mount('tmpfs', at, 'tmpfs', MS_REMOUNT, 'size=64m')
      expect((await store.add(Readable.from([tar]))).entries).toBe(420)
    } finally {
      await unmounted(at)
    }
  })
})

/** A stream that was given up closes its files in a turn of its own. */
async function unmounted(path: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      umount2(path)
      return
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'EBUSY' || tries === 100) throw error
      await sleep(20)
    }
  }
}

/** Takes all space but some pages. */
function fill(path: string, folder: string, pages: number): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail - pages) * bsize))
}

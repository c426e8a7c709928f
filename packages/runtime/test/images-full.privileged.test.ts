import { randomBytes } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, it } from '@jest/globals'
import { mount, umount2 } from '@ctr/linux'
import { packLayer, type LayerSource } from '@ctr/overlay'
import { RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck, numbersFrom, seed, temporaryFolder } from '@ctr/testing'
import { Runtime } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'

leakCheck()

const rounds = Number(process.env['CTR_KILLS'] ?? 24)
function* files(count: number, size: number): Generator<LayerSource> {
  for (let index = 0; index < count; index += 1)
    yield { type: 'file', path: `folder-${index % 9}/file-${index}`, content: randomBytes(size) }
}

function freePages(folder: string): number {
  return statfsSync(folder).bavail
}

/** Takes all space but some pages. */
function fill(folder: string, pages: number): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(join(folder, 'filler'), Buffer.alloc(Math.max(0, bavail - pages) * bsize))
}

/** What a store of images has: names of blobs, of what is half there, and of layers. */
function contentOf(root: string): readonly (readonly string[])[] {
  return ['images/blobs/sha256', 'images/partial', 'overlay/layers/sha256', 'overlay/temporary'].map((path) =>
    readdirSync(join(root, path)).sort(),
  )
}

describeOn(['root', 'overlay', 'bin:busybox'], `images on a disk that is full (CTR_SEED=${seed})`, () => {
  it(
    `says so, loses nothing and gives space back, at ${rounds} points of pulls, commits and loads`,
    async () => {
      using folder = temporaryFolder()
      const disk = join(folder.path, 'disk')
      const root = join(disk, 'root')
      mkdirSync(disk)
      mount('tmpfs', disk, 'tmpfs', 0, 'size=32m')
      try {
        await using registry = await RegistryServer.start()
        await using runtime = await Runtime.open({ root, state: join(folder.path, 'state') })
        await addBusybox(runtime)
        const image = `${registry.address}/test/sample:1`
        const layers = [files(60, 3000), files(2, 700_000)].map((sources) => ({
          tar: packLayer(sources, { compression: 'none' }).stream,
        }))
        await runtime.images.add({ layers }, { reference: image })
        await runtime.images.push(image)
        const container = await runtime.run({
          image: busybox,
          network: 'none',
          command: ['sh', '-c', 'for n in $(seq 80); do head -c 5000 /dev/urandom >/file-$n; done'],
        })
        expect(await container.wait()).toMatchObject({ exitCode: 0 })
        const archive = join(folder.path, 'sample.tar')
        await pipeline(await runtime.images.save([image]), createWriteStream(archive))
        await runtime.images.remove(image)
        const changed = 'localhost/changed:1'
        const acts = [
          { name: image, act: async () => runtime.images.pull(image) },
          { name: changed, act: async () => container.commit({ reference: changed }) },
          { name: image, act: async () => runtime.images.load(createReadStream(archive)) },
        ]
        const before = contentOf(root)
        const pages: number[] = []
        for (const { name, act } of acts) {
          const free = freePages(disk)
          await act()
          pages.push(free - freePages(disk))
          await runtime.images.remove(name)
        }
        const next = numbersFrom(seed)
        let refused = 0
        for (let round = 0; round < rounds; round += 1) {
          const { name, act } = acts[round % acts.length]!
          fill(disk, next(Math.ceil(pages[round % acts.length]! * 1.1)))
          const outcome = await act().then(
            () => 'done',
            (error: unknown) => error,
          )
          rmSync(join(disk, 'filler'))
          if (outcome !== 'done') {
            refused += 1
            expect(outcome).toMatchObject({
              code: expect.stringMatching(/^ERR_[A-Z]+_/) as unknown,
              message: expect.stringMatching(/ENOSPC|no space left/i) as unknown,
            })
          }
          expect((await runtime.images.verify()).problems).toEqual([])
          const names = (await runtime.images.list()).flatMap(({ references }) => references)
          // an image whose layers alone did not fit is there, to be unpacked later
          if (outcome === 'done') expect(names).toContain(name)
          expect(names.filter((one) => one !== name)).toEqual([busybox])
          if (names.includes(name)) await runtime.images.remove(name)
        }
        expect(refused).toBeGreaterThan(rounds / 4)
        await runtime.images.prune({ minAgeMs: 0 })
        expect(contentOf(root)).toEqual(before)
        await container.remove()
        for (const { name, act } of acts.slice(0, 1)) {
          await act()
          await runtime.images.remove(name)
        }
        await runtime.reset()
      } finally {
        umount2(disk)
      }
    },
    120_000 + rounds * 10_000,
  )
})

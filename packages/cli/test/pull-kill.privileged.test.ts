import { randomBytes, randomInt } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { packLayer, type LayerSource } from '@ctr/overlay'
import { ImageStore, RegistryServer } from '@ctr/registry'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { Ctrjs, ended } from './ctrjs.js'

leakCheck()

/** Kills in one run of the tests; a longer one can be asked for. */
const kills = Number(process.env['CTR_KILLS'] ?? 12)

describeOn(['root', 'overlay'], 'ctrjs pull and images prune, killed at any instant', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let registry: RegistryServer
  let ctrjs: Ctrjs
  let image: string
  const images = (...path: string[]): string => join(folder.path, 'own/root/images', ...path)
  const overlay = (...path: string[]): string => join(folder.path, 'own/root/overlay', ...path)

  beforeAll(async () => {
    folder = temporaryFolder()
    registry = await RegistryServer.start()
    ctrjs = new Ctrjs(join(folder.path, 'own'))
    image = `${registry.address}/test/sample:1`
    await publish(image, join(folder.path, 'publisher'))
  }, 180_000)

  afterAll(async () => {
    ctrjs[Symbol.dispose]()
    await registry.close()
    folder[Symbol.dispose]()
  })

  /** Nothing of an image that is there is missing or wrong. Gives back how many there are. */
  async function check(): Promise<number> {
    const { code, stdout, stderr } = await ctrjs.run('images', 'verify', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const found = JSON.parse(stdout) as { readonly images: number; readonly problems: readonly unknown[] }
    expect(found.problems).toEqual([])
    return found.images
  }

  /** How long a command takes. */
  async function msOf(...args: string[]): Promise<number> {
    const began = performance.now()
    expect(await ctrjs.run(...args)).toMatchObject({ code: 0, stderr: '' })
    return performance.now() - began
  }

  /** All that an image takes is free again. */
  function expectNothing(): void {
    const left = [images('blobs/sha256'), images('partial'), overlay('layers/sha256'), overlay('temporary')]
    expect(left.map((path) => readdirSync(path))).toEqual([[], [], [], []])
  }

  it.each([
    ['pull', ['pull', '-q']],
    ['prune', ['images', 'prune', '--all', '--force']],
  ] as const)(
    `have whole images or none, and lose no space: ${kills} instants of %s`,
    async (what, command) => {
      const args = what === 'pull' ? [...command, image] : command
      await ctrjs.run('pull', '-q', image)
      if (what === 'pull') await ctrjs.run('rmi', image)
      const startMs = await msOf('--version')
      const wholeMs = await msOf(...args)
      let killed = 0
      let count = 0
      for (let kill = 0; kill < kills; kill += 1) {
        if (what === 'prune') expect(await ctrjs.run('pull', '-q', image)).toMatchObject({ code: 0 })
        else if (count > 0) expect(await ctrjs.run('rmi', image)).toMatchObject({ code: 0 })
        const child = ctrjs.start(...args)
        const end = ended(child)
        // nothing is done before the program is loaded, and load on the machine makes any of this longer
        await sleep(randomInt(Math.floor(startMs / 2), Math.ceil(Math.max(startMs, wholeMs)) + 1))
        killed += child.kill('SIGKILL') ? 1 : 0
        await end
        count = await check()
      }
      expect(killed).toBeGreaterThan(0)
      // one that is let end takes up what the others have left, and what it has made can be removed to the last byte
      expect(await ctrjs.run('pull', '-q', image)).toMatchObject({ code: 0, stderr: '' })
      expect(await check()).toBe(1)
      expect(await ctrjs.run('rmi', image)).toMatchObject({ code: 0 })
      expectNothing()
    },
    120_000 + kills * 60_000,
  )

  it('do not disturb each other: the same image by several at once, one of them killed', async () => {
    const all = Array.from({ length: 3 }, () => ctrjs.start('pull', '-q', image))
    const ends = all.map((child) => ended(child))
    await sleep(randomInt(1, 1000))
    all[0]!.kill('SIGKILL')
    const [, second, third] = await Promise.all(ends)
    for (const end of [second, third]) expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(await check()).toBe(1)
    expect(await ctrjs.run('rmi', image)).toMatchObject({ code: 0 })
    expectNothing()
  }, 120_000)
})

/**
 * Pushes an image of small files, and of some bytes that nothing makes smaller: as small as it can be for a kill to
 * hit each step of a pull, as every kill is followed by a check that unpacks all of it again.
 */
async function publish(reference: string, folder: string): Promise<void> {
  const store = await ImageStore.open(folder)
  const layers = [files(150, 300), files(2, 1_000_000), files(150, 300)].map((sources) => ({
    tar: packLayer(sources, { compression: 'none' }).stream,
  }))
  await store.add({ layers }, { reference })
  await store.push(reference)
}

function* files(count: number, size: number): Generator<LayerSource> {
  for (let index = 0; index < count; index += 1) {
    yield { type: 'file', path: `folder-${index % 20}/file-${index}`, content: randomBytes(size) }
  }
}

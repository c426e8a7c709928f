import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from '@jest/globals'
import { packLayer, type LayerSource } from '@ctr/overlay'
import { ImageStore, RegistryServer } from '@ctr/registry'
import { temporaryFolder } from '@ctr/testing'
import { Ctrjs } from './ctrjs.js'

/** What tests of pulls share: a registry with an image, and a program that has nothing yet. */
export interface PullSuite {
  readonly ctrjs: Ctrjs
  /** Address of the registry, which runs as long as the tests. */
  readonly registry: string
  /** Name of the image in it. */
  readonly image: string
  /** A path below the program's images. */
  images(...path: string[]): string
  /** The images that the program has, of which nothing must be missing or wrong. */
  countWhole(): Promise<number>
  /** Removes the only image that the program has; all that it has taken must be free again. */
  removeWhole(image: string): Promise<void>
}

/**
 * Publishes the image before the tests; removes everything after them.
 *
 * @param layers - Files of each layer, from the lowest to the highest.
 */
export function setUpPull(layers: () => readonly (readonly LayerSource[])[]): PullSuite {
  const suite = {} as { -readonly [name in keyof PullSuite]: PullSuite[name] }
  let folder: ReturnType<typeof temporaryFolder>
  let registry: RegistryServer
  beforeAll(async () => {
    folder = temporaryFolder()
    registry = await RegistryServer.start()
    suite.registry = registry.address
    suite.image = `${registry.address}/test/sample:1`
    suite.ctrjs = new Ctrjs(join(folder.path, 'own'))
    const store = await ImageStore.open(join(folder.path, 'publisher'))
    const tars = layers().map((sources) => ({ tar: packLayer(sources, { compression: 'none' }).stream }))
    await store.add({ layers: tars }, { reference: suite.image })
    await store.push(suite.image)
  }, 180_000)
  afterAll(async () => {
    await registry.close()
    folder[Symbol.dispose]()
  })
  const kept = (...path: string[]): string => join(folder.path, 'own/root', ...path)
  suite.images = (...path) => kept('images', ...path)
  suite.countWhole = async () => {
    const { code, stdout, stderr } = await suite.ctrjs.run('images', 'verify', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const found = JSON.parse(stdout) as { readonly images: number; readonly problems: readonly unknown[] }
    expect(found.problems).toEqual([])
    return found.images
  }
  suite.removeWhole = async (image) => {
    expect(await suite.ctrjs.run('rmi', image)).toMatchObject({ code: 0 })
    const left = ['images/blobs/sha256', 'images/partial', 'overlay/layers/sha256', 'overlay/temporary']
    expect(left.map((path) => readdirSync(kept(path)))).toEqual([[], [], [], []])
  }
  return suite
}

import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from '@jest/globals'
import { packLayer } from '@ctr/overlay'
import { RegistryServer, type ImageRunConfig } from '@ctr/registry'
import { Runtime } from '@ctr/runtime'
import { temporaryFolder, type Need } from '@ctr/testing'
import { Ctrjs } from './ctrjs.js'

/** What every suite here needs of the machine. */
export const needs: readonly Need[] = ['root', 'overlay', 'bin:busybox']

/** What the tests of a file share. */
export interface Suite {
  readonly ctrjs: Ctrjs
  /** Name of an image of busybox in a registry that runs as long as the tests. */
  readonly image: string
  /** Address of that registry. */
  readonly registry: string
  readonly folder: string
}

const applets =
  'sh cat echo env head hostname httpd id kill ln ls mkdir pwd sleep stty tail true tty yes'.split(' ')

/**
 * Publishes an image before the tests; removes everything after them, and checks that.
 *
 * @param pull - Whether the program has the image already. Default true.
 */
export function setUp({ pull = true }: { readonly pull?: boolean } = {}): Suite {
  const suite = {} as { -readonly [name in keyof Suite]: Suite[name] }
  let folder: ReturnType<typeof temporaryFolder>
  let registry: RegistryServer
  beforeAll(async () => {
    folder = temporaryFolder()
    registry = await RegistryServer.start()
    suite.folder = folder.path
    suite.registry = registry.address
    suite.image = `${registry.address}/test/busybox:1`
    await pushBusybox(suite.image, join(folder.path, 'publisher'))
    suite.ctrjs = new Ctrjs(join(folder.path, 'own'))
    if (pull) await suite.ctrjs.run('pull', suite.image)
  }, 180_000)
  afterAll(async () => {
    const { code, stderr } = await suite.ctrjs.run('system', 'reset', '--force')
    const left = readdirSync(join(folder.path, 'own'))
    await registry.close()
    folder[Symbol.dispose]()
    expect({ code, stderr, left }).toEqual({ code: 0, stderr: '', left: ['cache'] })
  }, 180_000)
  return suite
}

/** Block devices of this machine that have a node. */
export function blockDevices(): readonly string[] {
  return readdirSync('/sys/block')
    .map((name) => `/dev/${name}`)
    .filter((path) => existsSync(path))
}

/** Makes an image of one program of the host and pushes it. */
export async function pushBusybox(
  reference: string,
  folder: string,
  config: ImageRunConfig = {},
): Promise<void> {
  mkdirSync(folder)
  await using runtime = await Runtime.open({ root: join(folder, 'root'), state: join(folder, 'state') })
  const layer = packLayer(
    [
      { type: 'file', path: 'bin/busybox', source: '/bin/busybox', mode: 0o755 },
      ...applets.map((name) => ({
        type: 'symlink' as const,
        path: `bin/${name}`,
        target: 'busybox',
      })),
      { type: 'file', path: 'etc/motd', content: 'hello\n' },
    ],
    { compression: 'none' },
  )
  await runtime.images.add(
    {
      config: { config: { Cmd: ['sh'], Env: ['PATH=/bin'], ...config } },
      layers: [{ tar: layer.stream }],
    },
    { reference },
  )
  await runtime.images.push(reference)
  await runtime.reset()
}

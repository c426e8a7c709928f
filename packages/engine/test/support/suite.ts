import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll } from '@jest/globals'
import { packLayer, type LayerSource } from '@ctr/overlay'
import type { ImageRunConfig } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import { temporaryFolder, type Need } from '@ctr/testing'
import { Engine, type EngineOptions } from '../../src/index.js'

/** What the suites with the docker CLI need of the machine. */
export const needs: readonly Need[] = ['root', 'overlay', 'bin:busybox', 'bin:docker']

/** Name of the image that every suite has. */
export const image = 'bb:1'

/** What a command did. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What the tests of a file share. */
export interface Suite {
  readonly engine: Engine
  readonly folder: string
  readonly socket: string
  /** Runs the docker CLI to its end. */
  docker(...args: string[]): Promise<Ended>
  /** The same with input. */
  feed(input: string, ...args: string[]): Promise<Ended>
  /** The same, and it must succeed; its output without the last newline. */
  ok(...args: string[]): Promise<string>
  /** What was told of so far, a line each. Asks up to a second that has not begun, as the CLI knows whole ones. */
  pastEvents(format: string): Promise<readonly string[]>
}

/**
 * Starts an engine with an image of busybox before the tests; removes everything after them.
 *
 * @param options - Of the engine, besides its folders and sockets.
 */
export function setUp(options: EngineOptions = {}): Suite {
  const suite = {} as { -readonly [name in keyof Suite]: Suite[name] }
  let folder: ReturnType<typeof temporaryFolder>
  beforeAll(async () => {
    folder = temporaryFolder('ctr-engine-')
    suite.folder = folder.path
    suite.socket = `${folder.path}/docker.sock`
    suite.engine = await Engine.start({
      root: `${folder.path}/root`,
      state: `${folder.path}/state`,
      onError: (error) => console.error(error),
      ...options,
      hosts: [`unix://${suite.socket}`, ...(options.hosts ?? [])],
    })
    await addBusybox(suite.engine.runtime)
  })
  afterAll(async () => {
    for (const container of suite.engine.containers.all())
      await container.remove({ force: true, volumes: true })
    await suite.engine.runtime.reset()
    await suite.engine.close()
    folder[Symbol.dispose]()
  })
  suite.feed = (input, ...args) => docker(suite.socket, args, input)
  suite.docker = (...args) => docker(suite.socket, args, '')
  suite.ok = async (...args) => {
    const { code, stdout, stderr } = await suite.docker(...args)
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${code}: ${stdout}${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  suite.pastEvents = async (format) => {
    const until = String(Math.floor(Date.now() / 1000) + 1)
    return (await suite.ok('events', '--since', '1', '--until', until, '--format', format)).split('\n')
  }
  return suite
}

/** Environment of the docker CLI. */
export function dockerEnv(socket: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NODE_OPTIONS: '',
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_CONFIG: `${socket}.config`,
  }
}

async function docker(socket: string, args: readonly string[], input: string): Promise<Ended> {
  const child = spawn('docker', args, { env: dockerEnv(socket), timeout: 240_000 })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, stdout, stderr }
}

/** Makes an image of Debian's static busybox, with more in its config. */
export async function addBusybox(
  runtime: Runtime,
  reference = image,
  config: ImageRunConfig = {},
): Promise<void> {
  const program = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const sources: LayerSource[] = [
    { type: 'file', path: 'bin/busybox', source: program, mode: 0o755 },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name): LayerSource => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    {
      type: 'file',
      path: 'etc/passwd',
      content: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
    },
    { type: 'file', path: 'etc/group', content: 'root:x:0:\napp:x:1000:\n' },
  ]
  const layer = packLayer(sources, { compression: 'none' })
  await runtime.images.add(
    {
      config: {
        created: '2026-01-01T00:00:00Z',
        config: { Cmd: ['sh'], Env: ['PATH=/bin'], Labels: { kind: 'test' }, ...config },
      },
      layers: [{ tar: layer.stream }],
    },
    { reference },
  )
}

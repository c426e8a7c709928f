import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf, type BenchCase } from '../case.js'

/** A registry in a process of its own. */
interface Running extends AsyncDisposable {
  readonly address: string
}

interface Blob {
  readonly bytes: Buffer
  readonly digest: string
}

const blobBytes = 8 * 2 ** 20

/**
 * Blobs of 8 MiB to and from our server and Debian's docker-registry, each in a process of its own, by the same
 * client: asked for, begun, sent in one piece, ended; then fetched.
 */
export function registryServerCases(commandLine: string): readonly BenchCase[] {
  return ([1, 16] as const).flatMap((clients) =>
    (['push', 'pull'] as const).map((direction): BenchCase => {
      const title = `registry server: ${direction} of 8 MiB by ${clients === 1 ? 'one client' : `${clients} clients`}`
      return {
        name: `registry-${direction}-${clients}`,
        title,
        peers: [],
        async measure({ workshop: { folder }, quick, signal }) {
          const samples = new Map<string, number[]>([['ctr', []]])
          const isThere = spawnSync('docker-registry', ['--version']).status === 0
          if (isThere) samples.set('docker-registry', [])
          for (let round = 0; round < (quick ? 2 : 8); round++) {
            for (const [name, times] of samples) {
              signal.throwIfAborted()
              const place = join(folder, `${direction}-${clients}-${round}-${name}`)
              mkdirSync(place, { recursive: true })
              await using server = await (name === 'ctr' ? startOurs(commandLine, place) : startOther(place))
              times.push((await timeEach(server.address, clients, quick ? 1 : 4))[direction])
              rmSync(place, { recursive: true, force: true })
            }
          }
          return {
            unit: 'ms',
            figures: figuresOf(samples),
            target: { of: 'docker-registry', factor: 1 },
            notes: isThere ? [] : ['not measured: docker-registry is not installed'],
          }
        },
      }
    }),
  )
}

/** Milliseconds that a blob takes from the first to the last, divided by their number. */
async function timeEach(
  address: string,
  clients: number,
  each: number,
): Promise<Record<'push' | 'pull', number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const random = randomBytes(blobBytes)
  const blobs = Array.from({ length: clients * each }, (_, n): Blob => {
    const bytes = Buffer.from(random)
    bytes.writeUInt32LE(n)
    return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }
  })
  const all = async (work: (blob: Blob) => Promise<void>): Promise<number> => {
    const left = [...blobs]
    const began = performance.now()
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (let blob = left.pop(); blob !== undefined; blob = left.pop()) await work(blob)
      }),
    )
    return (performance.now() - began) / blobs.length
  }
  const base = `http://${address}/v2/bench/blobs`
  const push = await all(async ({ bytes, digest }) => {
    await call(agent, 'HEAD', `${base}/${digest}`, 404)
    const begun = await call(agent, 'POST', `${base}/uploads/`, 202)
    const sent = await call(agent, 'PATCH', new URL(begun.location, base).href, 202, bytes)
    const end = new URL(sent.location, base)
    end.searchParams.set('digest', digest)
    await call(agent, 'PUT', end.href, 201)
  })
  const pull = await all(async ({ digest }) => {
    const { length } = await call(agent, 'GET', `${base}/${digest}`, 200)
    if (length !== blobBytes) throw new Error(`a blob of ${blobBytes} bytes came back with ${length}`)
  })
  agent.destroy()
  return { push, pull }
}

async function call(
  agent: Agent,
  method: string,
  url: string,
  status: number,
  body?: Buffer,
): Promise<{ readonly location: string; readonly length: number }> {
  const outgoing = request(url, { agent, method, headers: { 'content-length': body?.length ?? 0 } })
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let length = 0
  for await (const chunk of incoming) length += (chunk as Buffer).length
  if (incoming.statusCode !== status) throw new Error(`${method} ${url} was answered ${incoming.statusCode}`)
  return { location: incoming.headers.location ?? '', length }
}

async function startOurs(commandLine: string, place: string): Promise<Running> {
  const flags = ['registry', 'serve', '--root', join(place, 'content'), '--port', '0']
  const child = spawn(process.execPath, [commandLine, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return running(child, line.replace('registry listening on ', ''))
}

async function startOther(place: string): Promise<Running> {
  const address = `127.0.0.1:${await freePort()}`
  const config = join(place, 'config.yml')
  const storage = { filesystem: { rootdirectory: join(place, 'content') } }
  // JSON is YAML
  writeFileSync(
    config,
    JSON.stringify({ version: '0.1', log: { level: 'error' }, storage, http: { addr: address } }),
  )
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
  const isUp = async (): Promise<boolean> =>
    await fetch(`http://${address}/v2/`).then(
      () => true,
      () => false,
    )
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`docker-registry has ended with ${child.exitCode}`)
    await sleep(20)
  }
  return running(child, address)
}

function running(child: ChildProcess, address: string): Running {
  return {
    address,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

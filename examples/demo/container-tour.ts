import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ImageStore, RegistryServer } from '@ctr/registry'
import { Runtime, type Container } from '@ctr/runtime'
import type { DemoContext } from './demo-context.js'
import { demoImage } from './demo-image.js'
import { instanceOf, leftOver } from './left-over.js'
import { compare, observer, parseObservation } from './observe.js'
import { runOutOfMemory } from './out-of-memory.js'
import { PullProgress } from './pull-progress.js'
import { formatBytes, formatTime, type Report } from './report.js'

const MiB = 2 ** 20

/** What to run instead of an image of this machine's programs. */
export interface TourOptions {
  readonly image: string | undefined
  readonly command: readonly string[]
}

/** The whole tour, as root or as any user. Resolves with the beginning of the closing line. */
export async function containerTour(context: DemoContext, options: TourOptions): Promise<string> {
  const { report, folder } = context
  const isOwnImage = options.image === undefined
  await using registry = isOwnImage
    ? await RegistryServer.start({ root: join(folder, 'registry') })
    : undefined
  const image = options.image ?? `${registry!.address}/demo:latest`
  if (isOwnImage) await packAndPush(image, context)
  await using runtime = await Runtime.open({ root: join(folder, 'root'), state: join(folder, 'state') })
  const can = abilities(runtime, report)
  try {
    await report.phase(`Pull ${image}`, () => pull(runtime, image, context))
    const container = await report.phase(`Run it: own namespaces, layers${can.words}`, () =>
      isOwnImage ? runServer(runtime, image, context, can) : runShell(runtime, image, context, can),
    )
    if (isOwnImage && can.publish)
      await report.phase('Fetch a page from the server in it', () => fetchPage(container, context))
    else if (!isOwnImage)
      await report.phase('Run a command in it', () => execute(container, report, options.command))
    await report.phase('Look around: this machine and the container', () => lookAround(container, report))
    if (isOwnImage) {
      await report.phase('Execute one more program in it', () =>
        execute(container, report, ['ls', '-l', '/']),
      )
    }
    if (can.limit) {
      await report.phase('Let a container run into its memory limit', () =>
        runOutOfMemory(runtime, image, context),
      )
    }
    await report.phase('Remove everything', () => removeAll(runtime, container, context))
  } finally {
    await runtime.reset()
  }
  const done = can.limit ? 'run, limited and removed' : 'run and removed'
  return isOwnImage ? `Packed, pushed, pulled, ${done}` : `Pulled, ${done}`
}

/** Makes an image of what this machine has and pushes it to its registry. */
async function packAndPush(reference: string, { report, folder, signal }: DemoContext): Promise<void> {
  const store = await ImageStore.open(join(folder, 'packed'))
  await report.phase('Pack an image from programs of this machine', async () => {
    const { image, programs, libraries, size } = demoImage()
    await store.add(image, { reference })
    signal.throwIfAborted()
    report.detail(programs.join(', '))
    report.detail(`and the ${libraries.length} libraries that their ELF headers name: ${formatBytes(size)}`)
  })
  await report.phase('Push it to a registry in this process', async () => {
    const { digest } = await store.push(reference, { signal })
    report.detail(`${reference} is ${digest.slice(0, 19)}`)
  })
}

async function pull(runtime: Runtime, image: string, { report, signal }: DemoContext): Promise<void> {
  const progress = new PullProgress(report)
  const pulled = await runtime.images.pull(image, {
    signal,
    onProgress: (event) => {
      if (event.kind === 'unpacked')
        report.detail(`${progress.summary}; unpacked ${event.diffId.slice(0, 19)}`)
      else progress.see(event)
    },
  })
  report.detail(`image ${pulled.id.slice(0, 19)} for ${pulled.config.os}/${pulled.config.architecture}`)
}

/** What the caller may do on this machine: root everything. */
interface Abilities {
  readonly limit: boolean
  readonly publish: boolean
  readonly words: string
}

/** Finds out, and says it of an ordinary user. */
function abilities({ rootless }: Runtime, report: Report): Abilities {
  if (rootless === undefined) return { limit: true, publish: true, words: ', limits and network' }
  const { ids, network, limits: limit, idsReason, networkReason, limitsReason } = rootless
  report.line(`\nUser ${String(process.getuid?.())}, not root: containers have ${ids} user ids`)
  for (const [what, reason] of Object.entries({
    'more ids': idsReason,
    'a network': networkReason,
    limits: limitsReason,
  })) {
    if (reason !== null) report.line(`  without ${what}: ${reason}`)
  }
  const words = `${limit ? ', limits' : ''}${network === null ? '' : ' and network'}`
  return { limit, publish: network === 'pasta', words }
}

const limits = { memory: 256 * MiB, cpus: 0.5, pids: 64 }

async function runServer(
  runtime: Runtime,
  image: string,
  { report, signal }: DemoContext,
  can: Abilities,
): Promise<Container> {
  const began = performance.now()
  const container = await runtime.run({
    image,
    hostname: 'demo',
    publish: can.publish ? [{ container: 80 }] : [],
    ...(can.limit ? limits : {}),
    stdout: 'pipe',
    signal,
  })
  describeStart(container, report, performance.now() - began)
  await Promise.race([once(container.stdout!, 'data', { signal }), container.wait()])
  container.stdout!.resume()
  report.detail(`its server listens after ${formatTime(performance.now() - began)}`)
  return container
}

async function runShell(
  runtime: Runtime,
  image: string,
  { report, signal }: DemoContext,
  can: Abilities,
): Promise<Container> {
  const began = performance.now()
  // stays until it is told to go
  const command = ['-c', 'trap "exit 0" TERM; while :; do read -r line || exit 0; done']
  const container = await runtime.run({
    image,
    entrypoint: ['/bin/sh'],
    command,
    hostname: 'demo',
    ...(can.limit ? limits : {}),
    stdin: 'pipe',
    signal,
  })
  describeStart(container, report, performance.now() - began)
  return container
}

function describeStart(container: Container, report: Report, ms: number): void {
  const { id, network } = container.inspect()
  const ports = network.ports.map(({ host, container: inside }) => `, 127.0.0.1:${host} → port ${inside}`)
  report.detail(`container ${id.slice(0, 12)} started in ${formatTime(ms)}, its network made with it`)
  const where = network.address ?? `network ${network.mode}`
  report.detail(`process ${String(container.pid)} of this machine, ${where}${ports.join('')}`)
}

async function fetchPage(container: Container, { report, signal }: DemoContext): Promise<void> {
  const port = container.inspect().network.ports[0]!.host
  const url = `http://127.0.0.1:${port}/`
  const began = performance.now()
  const response = await fetch(url, { signal, headers: { connection: 'close' } })
  const page = await response.text()
  report.detail(`GET ${url} → ${response.status} in ${formatTime(performance.now() - began)}`)
  for (const line of page.trim().split('\n')) report.detail(`  ${line}`)
  if (!response.ok || !page.includes('Hello from demo'))
    throw new Error(`cannot fetch ${url}: got another page`)
}

async function execute(container: Container, report: Report, command: readonly string[]): Promise<string> {
  const wanted = command.length > 0 ? command : ['sh', '-c', 'uname -a; ls /']
  const began = performance.now()
  const child = await container.exec(wanted, { stdout: 'pipe', stderr: 'pipe' })
  const ms = performance.now() - began
  const [printed, complaints] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  const { exitCode } = await child.wait()
  report.detail(`${wanted.join(' ')}: started in ${formatTime(ms)}, exit code ${String(exitCode)}`)
  for (const line of `${printed}${complaints}`.trimEnd().split('\n')) report.detail(`  ${line}`)
  return printed
}

async function lookAround(container: Container, report: Report): Promise<void> {
  const child = await container.exec(['/bin/sh', '-c', observer], { stdout: 'pipe' })
  const inside = await text(child.stdout!)
  const { exitCode } = await child.wait()
  if (exitCode !== 0)
    throw new Error(`cannot look around in the container: its shell ended with ${String(exitCode)}`)
  const outside = execFileSync('/bin/sh', ['-c', observer], { encoding: 'utf8' })
  const { address } = container.inspect().network
  report.table(
    ['', 'this machine', 'container'],
    compare(parseObservation(outside), parseObservation(inside), address),
  )
}

async function removeAll(
  runtime: Runtime,
  container: Container,
  { report, folder }: DemoContext,
): Promise<void> {
  const instance = instanceOf(container)
  container.stdin?.end()
  const { exitCode } = await container.stop()
  report.detail(`stopped the container: exit code ${String(exitCode)}`)
  await runtime.reset()
  const left = leftOver(instance, folder)
  if (left.length > 0) throw new Error(`cannot remove everything: ${left.join(', ')} is left`)
  report.detail('no mount, cgroup or link of it is left')
}

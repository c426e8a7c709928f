// Many containers at once, each with its own namespaces, root file system, limits and seccomp filter; how much
// memory and time each one costs. As any user: node run.mjs many [COUNT]
import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packLayer } from '@ctr/overlay'
import { Runtime, type Container } from '@ctr/runtime'
import { staticSleeper } from './support/static-sleeper.js'
import { temporaryFolder } from './support/temporary-folder.js'

const count = Number(process.argv[2] ?? 500)
if (!Number.isInteger(count) || count < 1)
  throw new Error(`cannot start ${String(process.argv[2])} containers`)

/** What the machine has left, in KiB, all processes and the kernel counted; see proc_meminfo(5). */
async function available(): Promise<number> {
  await sleep(500) // what was freed a moment ago is given back late
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
}

/** Prints a figure of all and of each. */
function report(what: string, total: number, unit: string): void {
  console.log(`${what}: ${total.toFixed(0)} ${unit}, ${(total / count).toFixed(2)} ${unit} a container`)
}

using folder = temporaryFolder()
await using runtime = await Runtime.open({
  root: join(folder.path, 'root'),
  state: join(folder.path, 'state'),
})

// an image with one program of 130 bytes that does nothing, so that what is measured is the container
const { stream } = packLayer([{ type: 'file', path: 'sleeper', content: staticSleeper(), mode: 0o755 }], {
  compression: 'none',
})
await runtime.images.add(
  { layers: [{ tar: stream }], config: { config: { Entrypoint: ['/sleeper'] } } },
  { reference: 'sleeper' },
)

const interrupted = new AbortController()
setMaxListeners(0, interrupted.signal) // every container listens
process.on('SIGINT', () => interrupted.abort()).on('SIGTERM', () => interrupted.abort())

/** One container more. */
function start(): Promise<Container> {
  return runtime.run({
    image: 'sleeper',
    network: 'none',
    ...((runtime.rootless?.limits ?? true) ? { memory: 16 * 2 ** 20, pids: 16 } : {}), // which need cgroups
    signal: interrupted.signal,
  })
}

try {
  await (await start()).remove({ force: true }) // what is loaded and compiled once is not counted
  const before = await available()
  const began = performance.now()
  // all of them come to an end, also when one fails: nothing is being made while we clean up
  const started = await Promise.allSettled(Array.from({ length: count }, start))
  const containers = started.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  report(`Started ${count} containers`, performance.now() - began, 'ms')
  report('Memory of the machine', before - (await available()), 'KiB')
  const running = containers.filter(({ pid }) => pid !== null)
  const processes = running.reduce((sum, container) => sum + container.processes().length, 0)
  console.log(`${running.length} are running, with ${processes} processes in all`)
  const removing = performance.now()
  await Promise.all(containers.map((container) => container.remove({ force: true })))
  report('Removed them', performance.now() - removing, 'ms')
} finally {
  await runtime.reset()
}

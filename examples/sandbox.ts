// Runs JavaScript that nobody trusts: with a time limit, a memory limit, no network, no rights, and a file
// system that is thrown away; reads back its result and the files that it wrote. As any user: node run.mjs sandbox
import { join } from 'node:path'
import { Runtime } from '@ctr/runtime'
import { hostImage } from './pack/host-image.js'
import { beginning, writtenFiles } from './support/bounded-reading.js'
import { temporaryFolder } from './support/temporary-folder.js'
import { untrustedScripts } from './support/untrusted-scripts.js'

/** How a script ended, and what is left of it. All of it comes from the script: nothing to rely on. */
interface Outcome {
  readonly ended: 'finished' | 'failed' | 'took too long' | 'wanted too much memory'
  /** What its default function returned, as JSON. */
  readonly result: string | undefined
  /** Texts that it wrote below /work, by path. */
  readonly files: ReadonlyMap<string, string>
  /** The beginning of what it printed as an error. */
  readonly complaint: string
}

/** Runs in the container: gets the script by standard input, writes its result where we look for it. */
const harness = `
const fs = require('fs')
import('data:text/javascript,' + encodeURIComponent(fs.readFileSync(0, 'utf8')))
  .then(async ({ default: main }) => fs.writeFileSync('/work/.result', JSON.stringify(await main()) ?? 'null'))
  .catch((error) => { console.error(String(error.cause ?? error)); process.exit(1) })`

async function runUntrusted(
  runtime: Runtime,
  source: string,
  timeMs = 2000,
  memory = 2 ** 27,
): Promise<Outcome> {
  await using container = await runtime.run({
    image: 'sandbox',
    command: ['node', '-e', harness],
    user: several ? 'nobody' : undefined,
    cwd: '/work',
    network: 'none',
    capDrop: ['ALL'],
    noNewPrivileges: true,
    ...(limited ? { memory, memorySwap: memory /* no swap besides */, cpus: 1, pids: 32 } : {}),
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  container.stdin!.on('error', () => undefined).end(source) // it may end without reading
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort()
    void container.stop({ timeoutMs: 0 })
  }, timeMs)
  try {
    const [complaint, { exitCode, oomKilled }] = await Promise.all([
      beginning(container.stderr!),
      container.wait(),
    ])
    const ended = oomKilled
      ? 'wanted too much memory'
      : late.signal.aborted
        ? 'took too long'
        : exitCode === 0
          ? 'finished'
          : 'failed'
    const files = await writtenFiles(container, '/work')
    const result = files.get('/work/.result')
    files.delete('/work/.result')
    return { ended, result, files, complaint: complaint.trim() }
  } finally {
    clearTimeout(timer)
  }
}

using folder = temporaryFolder()
await using runtime = await Runtime.open({
  root: join(folder.path, 'root'),
  state: join(folder.path, 'state'),
})
// an ordinary user may have no cgroups, and only one id
const limited = runtime.rootless?.limits ?? true
const several = (runtime.rootless?.ids ?? 2) > 1
const owner = several ? 65534 : 0
const work = { type: 'directory', path: 'work', uid: owner, gid: owner } as const
await runtime.images.add(hostImage({ programs: [process.execPath], files: [work] }).image, {
  reference: 'sandbox',
})
try {
  for (const [title, source] of Object.entries(untrustedScripts)) {
    if (title === 'a memory hog' && !limited) {
      console.log(`${title}: not tried, for nothing would end it`)
      continue
    }
    const began = performance.now()
    const { ended, result, files, complaint } = await runUntrusted(runtime, source)
    console.log(`${title}: ${ended} (${Math.round(performance.now() - began)} ms)`)
    if (result !== undefined) console.log(`  result: ${result}`)
    for (const [path, content] of files) console.log(`  wrote ${path}: ${content}`)
    if (complaint !== '') console.log(`  said: ${complaint}`)
  }
} finally {
  await runtime.reset()
}

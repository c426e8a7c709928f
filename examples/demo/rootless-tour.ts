import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, type Program } from '@ctr/linux'
import { spawn } from '@ctr/namespaces'
import { ImageStore, RegistryServer } from '@ctr/registry'
import type { DemoContext } from './demo-context.js'
import { demoImage } from './demo-image.js'
import { compare, observer, parseObservation } from './observe.js'
import { PullProgress } from './pull-progress.js'
import { explainError, formatBytes, formatTime, type Report } from './report.js'

/** What an ordinary user can do today. Resolves with the beginning of the closing line. */
export async function rootlessTour(context: DemoContext): Promise<string> {
  const { report, folder, signal } = context
  report.line(`Not root: this is what user ${String(process.getuid?.())} can do on this machine.`)
  const store = await ImageStore.open(join(folder, 'packed'))
  await report.phase('Pack an image from programs of this machine', async () => {
    const { image, programs, libraries, size } = demoImage()
    await store.add(image, { reference: 'demo:latest' })
    signal.throwIfAborted()
    report.detail(`${programs.join(', ')} and ${libraries.length} libraries: ${formatBytes(size)}`)
  })
  await using registry = await RegistryServer.start({ root: join(folder, 'registry') })
  await report.phase('Push it to a registry in this process', async () => {
    const { digest } = await store.push(`${registry.address}/demo:latest`, { image: 'demo:latest', signal })
    report.detail(`${registry.address}/demo:latest is ${digest.slice(0, 19)}`)
  })
  await report.phase('Pull it into another store', async () => {
    const progress = new PullProgress(report)
    const other = await ImageStore.open(join(folder, 'pulled'))
    await other.pull(`${registry.address}/demo:latest`, {
      signal,
      onProgress: (event) => progress.see(event),
    })
    report.detail(progress.summary)
  })
  const isolated = await report.phase('Start a shell in namespaces of its own and look around', () =>
    isolate(report),
  )
  report.line('\nNot there yet without root:')
  if (!isolated) report.line('  - namespaces: this machine keeps ordinary users from making user namespaces')
  report.line("  - the image as root file system, with more than one user id (the runtime's rootless mode)")
  report.line('  - limits of memory, processors and processes: they need a cgroup that is delegated to you')
  report.line('  - a network with published ports: a bridge needs CAP_NET_ADMIN')
  report.line('Run it as root to see them: sudo npm run demo')
  return isolated ? 'Packed, pushed, pulled and isolated' : 'Packed, pushed and pulled'
}

/** The same script on this machine and in every kind of namespace. False when the machine does not allow it. */
async function isolate(report: Report): Promise<boolean> {
  const began = performance.now()
  try {
    const shell = await spawn({
      command: ['/bin/sh', '-c', observer],
      namespaces: {
        user: 'new',
        mount: 'new',
        pid: 'new',
        uts: 'new',
        ipc: 'new',
        network: 'new',
        cgroup: 'new',
      },
      hostname: 'demo',
      stdio: ['ignore', 'pipe', 'inherit'],
      prepare: ownMounts,
    })
    report.detail(
      `started in ${formatTime(performance.now() - began)}; root inside is user ${String(process.getuid?.())} outside`,
    )
    const inside = parseObservation(await text(shell.stdout!))
    await shell.wait()
    const outside = parseObservation(execFileSync('/bin/sh', ['-c', observer], { encoding: 'utf8' }))
    report.table(['', 'this machine', 'namespaces'], compare(outside, inside, null))
    return true
  } catch (error) {
    report.detail(`not allowed here: ${explainError(error)}`)
    return false
  }
}

/** A `/proc` that fits the pid namespace, and an empty `/tmp`, seen by nobody else. */
function ownMounts(program: Program): void {
  const attributes = MS_NOSUID + MS_NODEV + MS_NOEXEC
  program.step('make all mounts private').call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  program.step('mount proc at /proc').call('mount', ['proc', '/proc', 'proc', attributes, null])
  program.step('mount tmpfs at /tmp').call('mount', ['tmpfs', '/tmp', 'tmpfs', attributes, null])
}

// OciRuntime of @ctr/runtime: a bundle as the OCI runtime specification describes it, made of this machine's own
// programs, goes through create, start, exec, pause and delete: node run.mjs oci-bundle (any user)
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultConfig, OciRuntime, type Config } from '@ctr/runtime'

const rootless = process.geteuid?.() !== 0 // then in a user namespace of its own
const folder = mkdtempSync(join(tmpdir(), 'ctr-example-'))
try {
  const bundle = makeBundle(['sh', '-c', 'echo "process $$ on $(cat /proc/sys/kernel/hostname)"; sleep 60'])
  const runtime = OciRuntime.open({ root: join(folder, 'state') })

  const calls = await runtime.explain({ bundle })
  console.log(
    `${calls.trimEnd().split('\n').length} lines say every system call that makes it; the last one:`,
  )
  console.log(calls.trimEnd().split('\n').at(-1))

  const begin = performance.now()
  const box = await runtime.create('box', { bundle })
  console.log(
    `\n${box.state().status} in ${(performance.now() - begin).toFixed(1)} ms: process ${box.pid} waits`,
  )
  await box.start()
  console.log(`${box.state().status}: its command is executed`)

  const shell = {
    ...box.config().process!,
    args: ['sh', '-c', 'echo "another one, $$, beside"; ls /proc | head -2'],
  }
  const other = await box.exec({ process: shell })
  console.log('exec ended with', (await other.wait()).exitCode)

  if (rootless) {
    console.log('not limited and not paused: an ordinary user has a cgroup only where one is delegated')
  } else {
    await box.update({ pids: { limit: 16 } })
    await box.pause()
    console.log(`${box.state().status}, at most ${box.stats().pids.limit} processes`)
    await box.resume()
  }
  await box.delete({ force: true })
  console.log('deleted; left in the state folder:', runtime.list().length)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** A root file system of empty folders, in which the programs of this machine are mounted read-only. */
function makeBundle(args: readonly string[]): string {
  const bundle = join(folder, 'bundle')
  mkdirSync(join(bundle, 'rootfs'), { recursive: true })
  const base = defaultConfig({ cgroupNamespace: true, rootless })
  const config: Config = {
    ...base,
    hostname: 'box',
    process: { ...base.process!, args, terminal: false, rlimits: [] },
    mounts: [
      ...base.mounts!,
      ...['/usr', '/bin', '/lib', '/lib64'].map((path) => ({
        destination: path,
        type: 'bind',
        source: path,
        options: ['rbind', 'ro'],
      })),
    ],
  }
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  return bundle
}

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A Docker daemon of a test's own. */
export interface DockerDaemon extends AsyncDisposable {
  readonly host: string
}

/** Starts `dockerd` with everything below a folder, and without networks. */
export async function startDockerd(folder: string): Promise<DockerDaemon> {
  const host = `unix://${join(folder, 'dockerd.sock')}`
  const group = `ctr-test-${process.pid}`
  const config = join(folder, 'daemon.json')
  writeFileSync(config, '{}') // not the machine's
  const daemon: ChildProcess = spawn(
    'dockerd',
    [
      ...[
        '--host',
        host,
        '--storage-driver',
        'vfs',
        '--iptables=false',
        '--ip6tables=false',
        '--bridge=none',
      ],
      ...['--data-root', join(folder, 'docker'), '--exec-root', join(folder, 'docker-exec')],
      ...['--pidfile', join(folder, 'dockerd.pid'), '--config-file', config],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${group}`],
    ],
    { stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } },
  )
  const ended = once(daemon, 'exit')
  const close = async (): Promise<void> => {
    daemon.kill('SIGTERM')
    await ended
    removeGroups(group)
  }
  while (!answers(host)) {
    if (daemon.exitCode !== null) throw new Error(`dockerd has ended with ${daemon.exitCode}`)
    await sleep(100)
  }
  return { host, [Symbol.asyncDispose]: close }
}

function answers(host: string): boolean {
  try {
    execFileSync('docker', ['--host', host, 'version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The daemon leaves the cgroup of its containers behind. */
function removeGroups(name: string): void {
  const top = '/sys/fs/cgroup'
  for (const path of [top, ...readdirSync(top).map((each) => join(top, each))].map((each) =>
    join(each, name),
  ))
    if (existsSync(path)) rmdirSync(path)
}
